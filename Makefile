# make          set up, write every workbook from its spec, recalculate, cross-check
# make test     set up what is missing, run all tests
# make cnn      train the MNIST network and report on it
# make help     every target

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD := build
SAMPLE ?= ../shared/corpus
WILD ?= ../shared/wild

SPECS := $(wildcard workbooks/*.toml)
DATA := $(wildcard workbooks/*.csv)
NAMES := $(SPECS:workbooks/%.toml=%)
ROOMS = $(wildcard workbook_tools/*.py $(1:%=workbook_tools/%/*.py))
BELOW := notation package formulas engines editing
CODE := $(call ROOMS,$(BELOW) spec writing)
CHECKER := $(call ROOMS,$(BELOW) mathematics reading judging mending convolutional reporting checking)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.PHONY: all help workbooks verify pictures cnn cnn-seeds cnn-results cnn-workbook audit-score test test-workbooks test-thorough lint clean FORCE

all: verify ## Write, recalculate and cross-check every workbook (the default)

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

# Stamps are kept in build/, which git does not know: a fresh clone has none and always builds
# and checks, whatever times git gave the files. A stamp is written last, so that what was
# interrupted is done anew.

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $$($(PYTHON) --version) is too old; Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 2; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-cnn: $(VENV)/installed
	@echo "installing PyTorch, which is large"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cnn]'
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

workbooks: $(NAMES:%=$(BUILD)/%.built) ## Write every workbook from its spec

verify: $(NAMES:%=$(BUILD)/%.verified) ## Cross-check every workbook; print the verdicts
	@cat $^

$(BUILD)/%.built: workbooks/%.toml $(DATA) $(CODE) $(VENV)/installed $$(if $$(wildcard workbooks/$$*.xlsx),,FORCE)
	@mkdir -p $(BUILD)
	$(BIN)/workbook-tools build $<
	@touch $@

$(BUILD)/%.verified: $(BUILD)/%.built $(CHECKER) $$(wildcard workbooks/$$*.xlsx)
	@$(BIN)/workbook-tools verify workbooks/$*.xlsx > $@.report || { s=$$?; cat $@.report; exit $$s; }
	@mv $@.report $@

# A mistake, in the report and in the marked copy.
FAULTY = $(BUILD)/faulty
CHROMIUM = chromium --headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars \
  --disable-background-networking --disable-component-update --disable-sync
LAYOUT_PAGES = pdftoppm -png -singlefile -f 1 -r 150 -x 100 -y 140 $(BUILD)/pages
MARKED_PAGES = pdftoppm -png -singlefile $(BUILD)/pages/marked.pdf

PAGES = pdftoppm -png -singlefile $(BUILD)/pages/Back_Propogation.pdf
MNIST_PAGES = pdftoppm -png -singlefile $(BUILD)/pages/mnist_cnn.pdf
TINY_CNN_PAGES = pdftoppm -png -singlefile $(BUILD)/pages/tiny_cnn.pdf
XOR_PAGES = pdftoppm -png -singlefile $(BUILD)/pages/xor.pdf

MODEL_BOOK = workbooks/models/forward.xlsx
OF_MODEL = --of J10 --by J2:K4 --by J6:J8

pictures: workbooks ## Render the pictures of the documentation anew (needs LibreOffice, poppler-utils, chromium)
	@mkdir -p $(BUILD)/pages workbooks/pictures
	soffice --headless --convert-to pdf --outdir $(BUILD)/pages workbooks/Back_Propogation.xlsx workbooks/xor.xlsx workbooks/mnist_cnn.xlsx workbooks/tiny_cnn.xlsx
	$(PAGES) workbooks/pictures/overview -f 1 -r 130 -x 50 -y 40 -W 1400 -H 640
	$(PAGES) workbooks/pictures/training_sheet -f 2 -r 190 -x 60 -y 60 -W 2080 -H 760
	$(PAGES) workbooks/pictures/loss_curves -f 1 -r 170 -x 645 -y 483 -W 487 -H 370
	$(XOR_PAGES) workbooks/pictures/several_samples -f 3 -r 190 -x 60 -y 60 -W 2100 -H 900
	$(MNIST_PAGES) workbooks/pictures/cnn_overview -f 1 -r 130 -x 50 -y 40 -W 1400 -H 970
	$(MNIST_PAGES) workbooks/pictures/cnn_digit -f 2 -r 130 -x 50 -y 40 -W 1240 -H 980
	$(MNIST_PAGES) workbooks/pictures/cnn_layer -f 6 -r 190 -x 60 -y 60 -W 2120 -H 600
	$(MNIST_PAGES) workbooks/pictures/cnn_backward -f 54 -r 190 -x 60 -y 60 -W 2080 -H 580
	$(TINY_CNN_PAGES) workbooks/pictures/tiny_cnn -f 5 -r 260 -x 80 -y 80 -W 1480 -H 600
	$(BIN)/python workbooks/pictures/faulty.py $(FAULTY).xlsx
	-$(BIN)/workbook-tools verify $(FAULTY).xlsx --html $(FAULTY).html --annotate $(BUILD)/marked.xlsx
	soffice --headless --convert-to pdf --outdir $(BUILD)/pages $(BUILD)/marked.xlsx
	$(MARKED_PAGES) workbooks/pictures/marked -f 4 -r 200 -x 1620 -y 445 -W 590 -H 262
	$(MARKED_PAGES) workbooks/pictures/findings_sheet -f 8 -r 130 -x 45 -y 60 -W 1330 -H 72
	$(BIN)/python workbooks/pictures/layouts.py $(BUILD)/layouts
	for name in matrices samples blocks; do \
	  $(BIN)/workbook-tools verify $(BUILD)/layouts/$$name.xlsx --annotate $(BUILD)/$$name.xlsx; \
	  soffice --headless --convert-to pdf --outdir $(BUILD)/pages $(BUILD)/$$name.xlsx; done
	$(LAYOUT_PAGES)/matrices.pdf workbooks/pictures/matrices -W 1440 -H 520
	$(LAYOUT_PAGES)/samples.pdf workbooks/pictures/samples -W 1200 -H 490
	$(LAYOUT_PAGES)/blocks.pdf workbooks/pictures/blocks -W 920 -H 430
	$(BIN)/python workbooks/models/forward.py $(MODEL_BOOK)
	$(BIN)/workbook-tools differentiate $(MODEL_BOOK) $(OF_MODEL) --step 0.5 -o $(BUILD)/model_gradients.xlsx
	$(BIN)/workbook-tools train $(MODEL_BOOK) $(OF_MODEL) --learning-rates 0.1,0.5,2 --iterations 200 -o $(BUILD)/model_training.xlsx
	soffice --headless --convert-to pdf --outdir $(BUILD)/pages $(BUILD)/model_gradients.xlsx $(BUILD)/model_training.xlsx
	pdftoppm -png -singlefile $(BUILD)/pages/model_gradients.pdf workbooks/pictures/derivatives -f 3 -r 170 -x 50 -y 50 -W 1850 -H 340
	pdftoppm -png -singlefile $(BUILD)/pages/model_training.pdf workbooks/pictures/model_training -f 4 -r 110 -x 30 -y 30 -W 1220 -H 700
	$(BIN)/workbook-tools sensitivity workbooks/mazur.xlsx --of "LR 0.5!Y131" --html $(BUILD)/sensitivity.html
	$(CHROMIUM) --window-size=980,900 --screenshot=$(BUILD)/sensitivity.png "file://$(CURDIR)/$(BUILD)/sensitivity.html"
	$(BIN)/python -c "from PIL import Image; Image.open('$(BUILD)/sensitivity.png').crop((14, 30, 720, 720)).save('workbooks/pictures/sensitivity.png')"
	$(CHROMIUM) --window-size=980,900 --screenshot=$(BUILD)/page.png "file://$(CURDIR)/$(FAULTY).html"
	$(BIN)/python -c "from PIL import Image; Image.open('$(BUILD)/page.png').crop((24, 394, 956, 778)).save('workbooks/pictures/finding.png')"

# Interrupted training goes on; a finished run is reported on, not trained again.
MODEL = standard

cnn: $(VENV)/installed-cnn ## Train the MNIST network, judge and report it (MODEL=standard|small|tiny)
	$(BIN)/python -m cnn train --model $(MODEL) --resume

cnn-seeds: $(VENV)/installed-cnn ## The same under five seeds (MODEL=standard|small|tiny)
	$(BIN)/python -m cnn seeds --model $(MODEL)

cnn-results: $(VENV)/installed-cnn ## Train the committed networks of cnn/results anew
	for model in standard small tiny; do \
	  $(BIN)/python -m cnn seeds --model $$model --out cnn/results/$$model || exit; \
	done

# The trained network that is here: committed, or of a run; if there is none it is trained first.
SMALL = $(firstword $(wildcard cnn/results/small/model.pt) cnn/runs/small/model.pt)

cnn-workbook: $(VENV)/installed-cnn $(SMALL) ## Write the trained small network as a workbook; cross-check it
	$(BIN)/python -m cnn workbook --checkpoint $(SMALL) -o workbooks/mnist_cnn.xlsx
	$(BIN)/workbook-tools verify --timeout 1800 workbooks/mnist_cnn.xlsx
	if command -v soffice > /dev/null; then \
	  $(BIN)/workbook-tools verify --engine libreoffice --timeout 1800 workbooks/mnist_cnn.xlsx; fi

cnn/runs/small/model.pt: | $(VENV)/installed-cnn
	$(BIN)/python -m cnn train --model small --resume

audit-score: $(VENV)/installed ## Score the checker: labelled real workbooks (SAMPLE=, WILD=), and made mistakes
	$(BIN)/python benchmarks/audit_score.py --sample $(SAMPLE)
	$(BIN)/python benchmarks/learning_score.py --wild $(WILD)

# Tests that wait move to a process that has none left; the last lines say what took longest.
PYTEST = -n auto --dist worksteal --durations=10

test: $(VENV)/installed-dev ## Run all tests, with few random cases, always the same
	$(BIN)/pytest $(PYTEST)

test-workbooks: $(VENV)/installed-test ## Run the tests that need no PyTorch
	$(BIN)/pytest $(PYTEST) -m "not torch"

test-thorough: $(VENV)/installed-dev ## Run all tests, with more random cases, drawn anew
	$(BIN)/pytest $(PYTEST) --hypothesis-profile=thorough

lint: $(VENV)/installed-dev ## Check style, types and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

clean: ## Remove the environment and everything that make built but git does not keep
	rm -rf $(VENV) $(BUILD) cnn/runs *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
