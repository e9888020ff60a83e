"""Secrets in texts -> marks that tell the same secret again, before anything is kept.

A mark is ``<redacted:5b2e91c0>``: its digits are a keyed hash, so that two records with one token
can still be put together, nobody without the key can check a guess, and the template of a line
stays the same. Lines without any word that goes with a secret, nearly all, are passed by in one
vectorised search; the expressions see the rest. Each repetition in them is bounded, so that no line
can make them slow.
"""

import hmac
import re
from functools import partial
from hashlib import sha256
from typing import Final

import polars as pl

DIGITS: Final = 8  # of a mark: enough to tell a site's secrets apart
# A line holds a secret only if it holds one of these, in any case, or is base64 as a whole.
SIGNS: Final = (
    *("pass", "pwd", "secret", "token", "credential", "authorization", "curl"),
    *("cookie", "bearer", "basic", "key", "sig=", "signature=", "code=", "auth=", "://", "eyj"),
    *("akia", "asia", "aroa", "aida", "aiza", "ya29.", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-", "sk-", "npm_", "hf_"),
    *("k_live_", "k_test_", "hooks.slack.com/"),
)
# Of those, only if a word is followed by what may be a value, or a token has its shape's beginning.
LIKELY: Final = (
    r"(?i)(?:passw|passphrase|pwd|secret|token|credential|key|cookie|authorization)"
    r"[\w-]{0,40}[\\\"']{0,64}\s{0,3}[:=]|pass[\\\"']{0,64}\s{0,3}[:=]"
    r"|curl[\\\"'\s].*-[a-z-]*u|-[a-z-]*(?:password|passwd|secret|token|key)\s"
    r"|(?:bearer|basic)\s|(?:sig|signature|code|auth)=|://\S*@|-----begin|hooks\.slack|eyj|akia"
    r"|asia|aroa|aida|aiza|ya29\.|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|[sr]k_|sk-|npm_|hf_"
)
BASE64_LINE: Final = r"^\s*[A-Za-z0-9+/]{60,}={0,2}\s*$"  # what is between a key's first and last
END: Final = r"(?=[\s\"'\\,;&(){}<>\[\]]|$)"  # of a value
# What is told of a secret in its place; one that only begins so, such as "no-7Hx9", is a secret.
ABSENT: Final = (
    r"(?:true|false|null|none|nil|yes|no|empty|unset|set|invalid|incorrect|expired|required|missing"
    r"|changed|unknown|failed|failure|mismatch|authentication|for|is|was|not|has|from|to|and|or|user)"
    rf"[.:!?]{{0,3}}{END}"
)
# A value: quoted, quoted within a quoted text, or up to what ends a word.
VALUE: Final = (
    r"(?:\"(?P<{0}_quoted>(?:[^\"\\\n]|\\.){{1,8192}})|\\\"(?P<{0}_escaped>[^\"\\\n]{{1,8192}})"
    r"|'(?P<{0}_single>[^'\n]{{1,8192}})|(?P<{0}_bare>[^\s\"'\\,;&(){{}}<>\[\]]{{1,8192}}))"
)
JOINED: Final = r"(?:\\*[\"'])?\s{0,3}(?>=>|:=|={1,3}|:)\s{0,3}"
SAID: Final = r"[\w-]{0,32}" + JOINED
# "pass" is said of tests, too: it is a password as part of a name, as a key, or before "="; not if
# a short number follows, which counts what passed.
PASS: Final = r"(?:[_.]pass|(?-i:(?<=[a-z])Pass)|(?<![a-z])pass(?=\s{0,3}=|\\*[\"']))" + JOINED
# What is replaced is the group ``secret``, or whichever group a value has.
PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?s)(?P<secret>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z))",
        rf"(?P<secret>(?m:{BASE64_LINE}))",
        r"://[^\s/@:\"'<>]{0,256}:(?P<secret>[^\s/\"'<>]{1,512})@",
        r"://(?P<secret>[^\s/@:\"'<>]{20,512})@",
        r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[\w/-]{8,512})",
        r"(?i)\bauthorization(?:\\*[\"'])?\s{0,3}[:=]\s{0,3}(?:\\*[\"'])?"
        r"(?:(?:digest|aws4-hmac-sha256)\s+(?P<parameters>(?:=\"[^\"\r\n]{0,512}\"|[^\r\n\"\\]|\\.){1,8192})"
        r"|(?:[a-z][a-z0-9-]{0,31}\s{1,3})?(?P<secret>[^\s\"'\\,<>]{2,8192}+)(?!\s{1,3}<redacted))",
        r"(?i)\b(?:set-)?cookie(?:\\*[\"'])?\s{0,3}[:=]\s{0,3}(?:\\*[\"'])?"
        r"(?P<secret>[^\r\n\"'\\<>]{2,8192})",
        r"(?i)\b(?:bearer|basic)\s{1,3}(?P<secret>(?=[a-z._~+/=-]{0,64}[0-9])[\w.~+/-]{8,8192}=*)",
        r"(?P<secret>\beyJ[\w-]{5,8192}(?:\.[\w-]{0,8192}){1,4})",
        r"\b(?P<secret>(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|AIza[\w-]{35}|ya29\.[\w-]{20,8192}"
        r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255}|glpat-[\w-]{20,255}"
        r"|xox[abprs]-[A-Za-z0-9-]{10,255}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,255}"
        r"|sk-[\w-]{20,255}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,255})",
        r"(?i)(?:password|passwd|passphrase|pwd|secret)"
        + SAID
        + rf"(?!{ABSENT})"
        + VALUE.format("p"),
        rf"(?i){PASS}(?!{ABSENT}|\d{{1,4}}{END})" + VALUE.format("w"),
        r"(?i)\bcurl[\\\"'\s](?:.{0,512}?[\"'\s])?-(?:[a-z]{0,8}u|-(?:proxy-)?user)[\"'\s,=]{0,4}"
        r"[^\s\"'\\:,/-][^\s\"'\\:,/]{0,127}:(?P<secret>[^\s\"'\\]{1,512})",
        r"(?i)(?:api[_-]?key|access[_-]?key|private[_-]?key|account[_-]?key|auth[_-]?key|token"
        r"|credentials?)"
        + SAID
        + r"(?=[\"'\\]{0,2}[^\s\"'\\,;&]{6})"
        + r"(?=[\"'\\]{0,2}(?:[^\s\"'\\,;&]{0,64}[0-9]|[^\s\"'\\,;&]{16}))"
        + VALUE.format("k"),
        r"(?i)(?:^|\s)--?[a-z-]{0,24}(?:password|passwd|secret|token|key)\s{1,3}"
        + VALUE.format("o"),
        r"(?i)[?&;](?:sig|signature|key|code|auth)=(?P<secret>[^\s\"'&<>\\]{8,8192})",
    )
)
EMAIL: Final = re.compile(r"(?P<secret>\b[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b)")
ADDRESS: Final = re.compile(
    r"(?P<secret>\b(?:\d{1,3}\.){3}\d{1,3}\b|(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}\b"
    r"|(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}\b)"
)


class Redaction:
    """Takes secrets out of texts.

    Args:
        key: Of the hash; whoever has it can check a guess, so it stays on the site.
        emails: Whether e-mail addresses are secrets, too.
        addresses: Whether IP addresses are.
    """

    def __init__(self, key: bytes, emails: bool = False, addresses: bool = False) -> None:
        self._key = key
        personal = (("email", EMAIL, emails), ("ip", ADDRESS, addresses))
        self._patterns = (
            *(("redacted", pattern) for pattern in PATTERNS),
            *((kind, pattern) for kind, pattern, wanted in personal if wanted),
        )
        also = (("|@", emails), (r"|\d\.\d|[0-9a-fA-F]:", addresses))
        self._lines = f"(?m){BASE64_LINE}" + "".join(sign for sign, wanted in also if wanted)

    def texts(self, texts: pl.Series) -> pl.Series:
        """Return ``texts`` without secrets; nulls stay."""
        signed = (
            texts.str.contains_any(list(SIGNS), ascii_case_insensitive=True)
            .fill_null(False)
            .arg_true()
        )
        likely = signed.filter(texts.gather(signed).str.contains(LIKELY))
        others = texts.str.contains(self._lines).fill_null(False).arg_true()
        places = pl.concat([likely, others]).unique().sort()
        clean = [self.text(text) for text in texts.gather(places)]
        return texts.scatter(places, clean) if clean else texts

    def text(self, text: str) -> str:
        """Return ``text`` without secrets.

        Example:
            >>> Redaction(b"key").text("login with password=hunter2 failed")
            'login with password=<redacted:05d210d8> failed'
        """
        for kind, pattern in self._patterns:
            text = pattern.sub(partial(self._marked, kind), text)
        return text

    def logs(self, logs: pl.DataFrame) -> pl.DataFrame:
        """Return a frame of schema LOGS without secrets in bodies and attributes."""
        return logs.with_columns(self.texts(logs["body"]), self.texts(logs["attributes"]))

    def _marked(self, kind: str, found: re.Match[str]) -> str:
        """Return what was found with its secret replaced."""
        name = found.lastgroup
        if name is None or found[name].startswith("<redacted"):
            return found[0]
        begin, end = (place - found.start() for place in found.span(name))
        return f"{found[0][:begin]}{self._mark(kind, found[name])}{found[0][end:]}"

    def _mark(self, kind: str, secret: str) -> str:
        """Return the mark of a secret."""
        digest = hmac.new(self._key, secret.encode(errors="replace"), sha256).hexdigest()
        return f"<{kind}:{digest[:DIGITS]}>"
