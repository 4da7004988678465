"""The plan of a network's workbook: its sheets, their sections, and what each cell holds."""

from functools import cached_property

from cnn.workbook.digits import Digits
from cnn.workbook.layout import Maps
from cnn.workbook.network import Network
from cnn.workbook.planning.backward import plan_backward
from cnn.workbook.planning.draft import Draft
from cnn.workbook.planning.forward import plan_forward
from cnn.workbook.planning.sheet import Part, SheetPlan
from cnn.workbook.planning.start import plan_start
from cnn.workbook.planning.step import plan_step
from cnn.workbook.planning.weights import plan_weights


class Plan:
    """All sheets of the workbook of one network."""

    def __init__(self, network: Network, digits: Digits) -> None:
        self.network = network
        self.digits = digits
        self._draft = Draft(network)
        start = plan_start(self._draft, digits)
        self.drawing, self.gallery = start.drawing, start.gallery
        plan_forward(self._draft)
        plan_weights(self._draft)
        plan_backward(self._draft, start)
        plan_step(self._draft)

    @cached_property
    def sheets(self) -> list[SheetPlan]:
        """The sheets in the order of the tabs, without the Overview."""
        order = list(Part)
        return sorted(self._draft.sheets, key=lambda sheet: order.index(sheet.part))

    def maps(self, name: str) -> Maps:
        """Return the place of a section of maps."""
        return self._draft.maps[name]
