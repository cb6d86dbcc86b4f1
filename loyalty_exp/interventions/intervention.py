"""What every kind of intervention shares: what it says, what it costs, and whether it lowers a price."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from loyalty_exp.grammar import Language, Section

Driver = Literal["points", "coupons", "perks", "contacts", "referrals", "fixed"]
"""What makes a cost grow; each is also the key of a cost line."""

Channel = Literal["email", "sms", "app_push", "mail", "call"]

CHANNELS: dict[str, dict[Language, str]] = {
    "email": {"en": "an e-mail", "zh-CN": "电子邮件"},
    "sms": {"en": "a text message", "zh-CN": "短信"},
    "app_push": {"en": "an app notification", "zh-CN": "应用推送"},
    "mail": {"en": "a letter", "zh-CN": "信件"},
    "call": {"en": "a call", "zh-CN": "电话"},
}


class Intervention(Section):
    """What an arm receives."""

    price_promotion: ClassVar[bool] = False
    """True when it makes buying now cheaper than later, so that purchases may be pulled forward."""

    def words(self, language: Language) -> str:
        """Say in a phrase what members of the arm receive, for the page."""
        raise NotImplementedError

    def drivers(self) -> tuple[Driver, ...]:
        """Name what it makes the program pay for; a spec without a cost line for one earns a notice."""
        raise NotImplementedError

    def lowers_price(self) -> bool:
        """Tell whether it is a price promotion."""
        return self.price_promotion

    def scope(self) -> tuple[str, ...]:
        """Categories to which it is confined; empty where it is not."""
        return ()


class Announced(Intervention):
    """An intervention of which members may be told."""

    channel: Channel | None = Field(
        default=None, description="How members of the arm are told of it; left out, they are not told."
    )

    @property
    def telling(self) -> tuple[Driver, ...]:
        """Messages, when members are told."""
        return ("contacts",) if self.channel else ()


def at_most(language: Language, number: float, noun: dict[Language, str]) -> str:
    """Say a cap in a few words, to stand after what it caps."""
    return (
        f"，{noun['zh-CN']}至多 {number:,g}" if language == "zh-CN" else f", at most {number:,g} {noun['en']}"
    )
