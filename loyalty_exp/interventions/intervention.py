"""What every kind of intervention shares: fields that say what an arm receives, and its words."""

from __future__ import annotations

from loyalty_exp.grammar import Language, Section


class Intervention(Section):
    """What an arm receives."""

    def words(self, language: Language) -> str:
        """Say in a phrase what members of the arm receive, for the page."""
        raise NotImplementedError
