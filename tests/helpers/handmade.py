"""Training tables typed by hand, as a student would: not by the project's own writer."""

from dataclasses import dataclass, field
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.formula.translate import Translator
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName

HEADER = (
    "t1 t2 i1 i2 w1 w2 w3 w4 h1 a_h1 h2 a_h2 w5 w6 w7 w8 o1 a_o1 o2 a_o2 E1 E2 E_tot "
    "∂E/∂w1 ∂E/∂w2 ∂E/∂w3 ∂E/∂w4 ∂E/∂w5 ∂E/∂w6 ∂E/∂w7 ∂E/∂w8"
).split()
START = {
    "t1": 0.5, "t2": 0.5, "i1": 0.05, "i2": 0.1,
    "w1": 0.15, "w2": 0.2, "w3": 0.25, "w4": 0.3, "w5": 0.4, "w6": 0.45, "w7": 0.5, "w8": 0.55,
}  # fmt: skip
# Written out for row 6 of a table that begins in column B; the row above is 5.
FORMULAS = {
    "h1": "=F6*D6+G6*E6",
    "a_h1": "=1/(1+EXP(-J6))",
    "h2": "=H6*D6+I6*E6",
    "a_h2": "=1/(1+EXP(-L6))",
    "o1": "=N6*K6+O6*M6",
    "a_o1": "=1/(1+EXP(-R6))",
    "o2": "=P6*K6+Q6*M6",
    "a_o2": "=1/(1+EXP(-T6))",
    "E1": "=(B6-S6)^2/2",
    "E2": "=0.5*(C6-U6)*(C6-U6)",
    "E_tot": "=V6+W6",
    "∂E/∂w1": "=((S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6)*K6*(1-K6)*D6",
    "∂E/∂w2": "=((S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6)*K6*(1-K6)*E6",
    "∂E/∂w3": "=((S6-B6)*S6*(1-S6)*O6+(U6-C6)*U6*(1-U6)*Q6)*M6*(1-M6)*D6",
    "∂E/∂w4": "=((S6-B6)*S6*(1-S6)*O6+(U6-C6)*U6*(1-U6)*Q6)*M6*(1-M6)*E6",
    "∂E/∂w5": "=(S6-B6)*S6*(1-S6)*K6",
    "∂E/∂w6": "=(S6-B6)*S6*(1-S6)*M6",
    "∂E/∂w7": "=(U6-C6)*U6*(1-U6)*K6",
    "∂E/∂w8": "=(U6-C6)*U6*(1-U6)*M6",
}
FIRST_ROW, LAST_ROW = 6, 25


@dataclass
class HandMade:
    """A table with the header in B5:AF5 and 20 iterations below; the rate is in D2."""

    formulas: dict[str, str] = field(default_factory=lambda: dict(FORMULAS))
    cells: dict[str, object] = field(default_factory=dict)  # changes to single cells
    names: dict[str, str] = field(default_factory=dict)  # defined names, by what they stand for
    header: list[str] = field(default_factory=lambda: list(HEADER))
    rate: str = "$D$2"  # what the updates read, as it stands in row 7
    rows: list[int] = field(default_factory=lambda: list(range(FIRST_ROW, LAST_ROW + 1)))

    def save(self, path: Path) -> Path:
        """Write the workbook."""
        book = Workbook()
        sheet = book.active
        sheet.title = "My sheet"
        sheet["C2"], sheet["D2"] = "Learning rate", 0.5
        letter = {symbol: get_column_letter(k) for k, symbol in enumerate(HEADER, start=2)}
        for symbol, label in zip(HEADER, self.header, strict=True):
            sheet[f"{letter[symbol]}5"] = label
            sheet[f"{letter[symbol]}5"].data_type = "s"  # also what begins with "="
            for above, row in zip([0, *self.rows], self.rows, strict=False):
                cell = sheet[f"{letter[symbol]}{row}"]
                if symbol in self.formulas:
                    cell.value = self.formulas[symbol].replace("6", str(row))
                elif row == FIRST_ROW or symbol[0] in "ti":
                    cell.value = START[symbol]
                else:
                    gradient = letter[f"∂E/∂{symbol}"]
                    rate = Translator(f"={self.rate}", "A7").translate_formula(f"A{row}")[1:]
                    cell.value = f"={letter[symbol]}{above}-{rate}*{gradient}{above}"
        for name, place in self.names.items():
            book.defined_names[name] = DefinedName(name, attr_text=place)
        for name, value in self.cells.items():
            sheet[name] = value
        book.save(path)
        return path


def copy_of_the_table(path: Path, down: int, right: int) -> None:
    """Put the table of a hand-made workbook on its sheet a second time."""
    book = load_workbook(path)
    sheet = book.active
    for row in sheet.iter_rows(min_row=5, max_row=25, min_col=2, max_col=32):
        for cell in row:
            other = sheet.cell(cell.row + down, cell.column + right)
            other.value = cell.value
            if cell.data_type == "f":
                moved = Translator(cell.value, cell.coordinate)
                other.value = moved.translate_formula(other.coordinate)
    book.save(path)
