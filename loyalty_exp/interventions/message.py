"""A message without money, by one channel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.intervention import Intervention

_WORDS = {
    "email": {"en": "an e-mail", "zh-CN": "电子邮件"},
    "sms": {"en": "a text message", "zh-CN": "短信"},
    "app_push": {"en": "an app notification", "zh-CN": "应用推送"},
    "mail": {"en": "a letter", "zh-CN": "信件"},
    "call": {"en": "a call", "zh-CN": "电话"},
}


class Message(Intervention):
    """A message.

    .. code-block:: yaml

        {type: message, channel: email}
    """

    type: Literal["message"]
    channel: Literal["email", "sms", "app_push", "mail", "call"] = Field(
        description="How it reaches the member."
    )

    def words(self, language: Language) -> str:
        """Name the channel."""
        return _WORDS[self.channel][language]
