"""A model behind an OpenAI-compatible address that rewords facts into a short brief.

Its answer is decoded against a schema in which evidence and actions are the identifiers that it was
given. What leaves the site are the facts as ``Evidence`` has them, with a fixed instruction, and
only where a setting allows it; all of it is recorded.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from diagnose.schema import Evidence, Failure, Sentence

MOST_SENTENCES: Final = 6
MOST_TOKENS: Final = 600
INSTRUCTION: Final = (
    "You get numbered facts about an incident. Reword them into a brief of at most "
    f"{MOST_SENTENCES} short sentences for the engineer on duty. Use only what the facts say; keep "
    "every number, unit and machine letter as it is. Each sentence lists the ids of the facts it "
    "rests on. A sentence that names a step has the step's id as its action, else an empty one."
)


class _Sentence(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str
    evidence: list[str]
    action: str


class _Draft(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sentences: list[_Sentence]


class OpenAiWriter:
    """Reword facts with a chat model.

    Args:
        base_url: The address up to and with its version, for example "https://host/v1".
        model: The model's name there.
        api_key: Its key, if it wants one; never recorded.
        allow_egress: Whether anything may leave the site.
        timeout_seconds: For the request.

    Attributes:
        sent: What the latest brief sent off the site.

    Raises:
        Failure: nothing may leave the site.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        allow_egress: bool = False,
        timeout_seconds: float = 30.0,
    ) -> None:
        if not allow_egress:
            what = f"the writer openai would send facts of an incident to {base_url}"
            raise Failure(what, "set allow_egress to true, or choose another guidance.writer")
        self.url = base_url.rstrip("/") + "/chat/completions"
        self.model = model
        self.timeout_seconds = timeout_seconds
        self.sent: tuple[str, ...] = ()
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def write(self, evidence: Sequence[Evidence]) -> tuple[Sentence, ...]:
        """Return what the model made of ``evidence``.

        Raises:
            Failure: the address does not answer, or not as it was asked to.
        """
        import httpx

        told = "\n".join(f"{one.id}: {one.text}" for one in evidence)
        self.sent = (INSTRUCTION, told)
        body = self._request(told, evidence)
        try:
            reply = httpx.post(
                self.url, json=body, headers=self._headers, timeout=self.timeout_seconds
            )
            reply.raise_for_status()
            draft = _Draft.model_validate_json(reply.json()["choices"][0]["message"]["content"])
        except httpx.HTTPError as error:
            raise Failure("the writer's address did not answer", "check openai.base_url") from error
        except (ValidationError, ValueError, KeyError, IndexError, TypeError) as error:
            raise Failure("the writer's reply is no brief", "check openai.model") from error
        found = draft.sentences[:MOST_SENTENCES]
        return tuple(Sentence(one.text, tuple(one.evidence), one.action) for one in found)

    def _request(self, told: str, evidence: Sequence[Evidence]) -> dict[str, Any]:
        schema = _Draft.model_json_schema()
        fields = schema["$defs"]["_Sentence"]["properties"]
        fields["evidence"]["items"]["enum"] = [one.id for one in evidence]
        fields["action"]["enum"] = ["", *(one.id for one in evidence if one.is_action)]
        brief = {"name": "brief", "strict": True, "schema": json.loads(json.dumps(schema))}
        return {
            "model": self.model,
            "messages": [
                {"role": "system", "content": INSTRUCTION},
                {"role": "user", "content": told},
            ],
            "max_tokens": MOST_TOKENS,
            "temperature": 0,
            "response_format": {"type": "json_schema", "json_schema": brief},
        }
