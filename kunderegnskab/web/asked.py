"""What a page is asked, and what it answers with: no page knows of requests or sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kunderegnskab.language import Language
from kunderegnskab.reading.reader import NothingToRead, Reader
from kunderegnskab.reading.traces import Traces
from kunderegnskab.web.figures import Figures
from kunderegnskab.web.texts import texts
from kunderegnskab.workspace import Workspace

Context = dict[str, Any]
"""What a template shows, and for the log whom: `customers_seen` has the ids of the customers whose number
or name stands on the page, a chain's as its head; `salespeople_seen` those whom no reader has named."""


@dataclass(frozen=True)
class Asked:
    """One look at a page.

    Attributes:
        parameters: from path and query; those of the path win.
    """

    reader: Reader
    language: Language
    parameters: Mapping[str, str]
    traces: Traces

    @cached_property
    def figures(self) -> Figures:
        """Writes the page's values."""
        return Figures(self.language, self.reader.publication.manifest.currency)

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """What the page says, in its language."""
        return texts(self.language.code)

    def one(self, name: str) -> str:
        """A parameter that the page cannot do without."""
        try:
            return self.parameters[name]
        except KeyError:
            raise NothingToRead(f"The page needs {name}.") from None

    def maybe(self, name: str) -> str:
        """A parameter; empty where it is not given."""
        return self.parameters.get(name, "")

    def sentence(self, key: str, **values: str) -> str:
        """A text with values in it, and with `{currency}`, whose own full stop ends a sentence too."""
        # An amount and its currency stay on one line.
        text = self.texts[key].replace(" {currency}", "\u00a0{currency}")
        return text.format(currency=self.figures.currency, **values).replace("..", ".")

    def of(self, row: Mapping[str, Any], column: str) -> str:
        """A text that a row has in both languages: `column_da` or `column_en`."""
        return row[f"{column}_{self.language.code}"]


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        name: of its template `NAME.html.j2`, and of its words in the menu, `menu_NAME`.
        path: as Starlette writes it.
        context: what the template shows.
        takes: the parameters of its query; all others are not there for it. None for any.
        sees_all: whether only finance and audit may open it.
        now: what the template shows beside it that is of no publication, so that it is never kept.
        menu: the entry of the menu that it belongs to; empty for none.
    """

    name: str
    path: str
    context: Callable[[Asked], Context]
    takes: tuple[str, ...] | None = ()
    sees_all: bool = False
    menu: str = ""
    now: Callable[[Asked, Workspace], Context] | None = None
