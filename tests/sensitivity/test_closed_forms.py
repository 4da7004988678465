"""Textbook formulas whose derivatives are known: a bond, an option, a pendulum."""

import math
from pathlib import Path
from statistics import NormalDist

import pytest
from sensitivities import asked, by_cell, written


def test_the_price_of_a_bond_has_the_derivatives_that_its_duration_tells(tmp_path: Path) -> None:
    """Macaulay's duration is D = Σ t C_t (1 + y)^−t / P; then ∂P/∂y = −D P / (1 + y)."""
    face, coupon, rate, years = 1000.0, 0.06, 0.045, 12
    cells: dict[str, object] = {"A1": "Face value", "B1": face, "A2": "Coupon", "B2": coupon}
    cells |= {"A3": "Yield", "B3": rate, "A4": "Price", "B4": f"=SUM(E1:E{years})"}
    for year in range(1, years + 1):
        cells[f"D{year}"] = "=$B$1*$B$2" + ("+$B$1" if year == years else "")
        cells[f"E{year}"] = f"=D{year}/(1+$B$3)^{year}"
    found = asked(written(tmp_path / "bond.xlsx", cells), "B4")
    own = by_cell(found)

    flows = {t: face * coupon + face * (t == years) for t in range(1, years + 1)}
    present = {t: flow / (1 + rate) ** t for t, flow in flows.items()}
    price = sum(present.values())
    duration = sum(t * value for t, value in present.items()) / price
    convexity = sum(t * (t + 1) * value for t, value in present.items()) / (1 + rate) ** 2
    annuity = sum((1 + rate) ** -t for t in flows)

    assert found.value == pytest.approx(price, rel=1e-13)
    assert found.label == "Price"
    assert own["B3"].derivative == pytest.approx(-duration * price / (1 + rate), rel=1e-12)
    assert own["B3"].elasticity == pytest.approx(-duration * rate / (1 + rate), rel=1e-12)
    assert own["B2"].derivative == pytest.approx(face * annuity, rel=1e-12)
    assert own["B1"].elasticity == pytest.approx(1.0, rel=1e-12)
    # The change by 1 % of the yield: the duration, and half of the convexity; what is next is less.
    step = 0.01 * rate
    second = -duration * price / (1 + rate) * step + convexity * step**2 / 2
    assert own["B3"].effects[1].change == pytest.approx(second, rel=1e-4)
    # The price is a straight line in the coupon; in the yield it is one for small changes only.
    assert own["B2"].straight_up_to == 100
    assert 2 <= own["B3"].straight_up_to < 100


def test_the_price_of_a_call_has_the_greeks_of_black_and_scholes(tmp_path: Path) -> None:
    """C = S N(d1) − K e^−rT N(d2); Δ = N(d1), vega = S φ(d1) √T, ρ = K T e^−rT N(d2).

    And −Θ = ∂C/∂T = S φ(d1) σ / (2 √T) + r K e^−rT N(d2); ∂C/∂K = −e^−rT N(d2).
    """
    spot, strike, rate, volatility, years = 105.0, 100.0, 0.03, 0.22, 0.75
    cells = {
        "A1": "Spot", "B1": spot, "A2": "Strike", "B2": strike, "A3": "Rate", "B3": rate,
        "A4": "Volatility", "B4": volatility, "A5": "Years", "B5": years,
        "B7": "=(LN(B1/B2)+(B3+B4^2/2)*B5)/(B4*SQRT(B5))", "B8": "=B7-B4*SQRT(B5)",
        "A9": "Call",
        "B9": "=B1*_xlfn.NORM.S.DIST(B7,TRUE)-B2*EXP(-B3*B5)*_xlfn.NORM.S.DIST(B8,TRUE)",
    }  # fmt: skip
    found = asked(written(tmp_path / "call.xlsx", cells), "B9")
    own = {name: one.derivative for name, one in by_cell(found).items()}

    root = math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / (volatility * root)
    d2 = d1 - volatility * root
    below, density = NormalDist().cdf, NormalDist().pdf
    bond = strike * math.exp(-rate * years)
    assert found.value == pytest.approx(spot * below(d1) - bond * below(d2), rel=1e-12)
    assert own == {
        "B1": pytest.approx(below(d1), rel=1e-12),
        "B2": pytest.approx(-bond / strike * below(d2), rel=1e-12),
        "B3": pytest.approx(bond * years * below(d2), rel=1e-12),
        "B4": pytest.approx(spot * density(d1) * root, rel=1e-11),
        "B5": pytest.approx(
            spot * density(d1) * volatility / (2 * root) + rate * bond * below(d2), rel=1e-11
        ),
    }


def test_an_error_propagates_through_the_formula_of_a_pendulum_by_its_elasticities(
    tmp_path: Path,
) -> None:
    """For g = 4π² L/T², (Δg/g)² = (ΔL/L)² + (2 ΔT/T)²: the elasticities are 1 and −2."""
    cells = {"A1": "Length (m)", "B1": 0.994, "A2": "Period (s)", "B2": 2.0,
             "A3": "g", "B3": "=4*PI()^2*B1/B2^2"}  # fmt: skip
    found = asked(written(tmp_path / "pendulum.xlsx", cells), "B3")
    own = by_cell(found)
    assert own["B1"].elasticity == pytest.approx(1.0, rel=1e-12)
    assert own["B2"].elasticity == pytest.approx(-2.0, rel=1e-12)
    assert own["B1"].effects[1].change == pytest.approx(0.01 * found.value, rel=1e-10)
    assert own["B2"].effects[10].change == pytest.approx((1.1**-2 - 1) * found.value, rel=1e-10)
    assert [one.label for one in found.influences] == ["Period (s)", "Length (m)"]
    # (1 + p)^−2 − 1 is within 5 % of −2 p up to 2 %, in both directions.
    assert (own["B1"].straight_up_to, own["B2"].straight_up_to) == (100, 2)
