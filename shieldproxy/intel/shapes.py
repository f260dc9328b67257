"""Records of the common databases, whoever made them, read for the two things we want. Pure; nothing here raises.

| maker            | AS number                      | AS name                          | country                     |
|------------------|--------------------------------|----------------------------------|-----------------------------|
| MaxMind, DB-IP   | autonomous_system_number: 3303 | autonomous_system_organization   | country: {iso_code: "CH"}   |
| ip-location-db   | autonomous_system_number       | autonomous_system_organization   | country_code: "CH"          |
| IPinfo           | asn: "AS3303"                  | as_name                          | country_code or country: "CH" |
| IPLocate         | asn: 3303 or "3303"            | as_org, org or name              | country_code                |
"""

from __future__ import annotations

# Names come from registries and go into every record; the longest honest one is shorter than this.
MAX_NAME = 120
_MAX_ASN = 2**32 - 1  # RFC 6793


def asn_of(record: object) -> tuple[int, str]:
    """AS number and name of the network; (0, "") when the record tells no number."""
    if not isinstance(record, dict):
        return 0, ""
    number = _asn(record.get("autonomous_system_number")) or _asn(record.get("asn"))
    if not number:
        return 0, ""
    for key in ("autonomous_system_organization", "as_name", "as_org", "org", "name"):
        name = record.get(key)
        if isinstance(name, str) and name:
            return number, _tidy(name)
    return number, ""


def country_of(record: object) -> str:
    """ISO 3166 code of the country, upper case; "" when the record tells none.

    Where MaxMind knows only in which country a network is registered, not where it is, we say nothing.
    """
    if not isinstance(record, dict):
        return ""
    country = record.get("country")
    if isinstance(country, dict):
        country = country.get("iso_code")
    return _code(record.get("country_code")) or _code(country)


def _asn(value: object) -> int:
    if isinstance(value, str):
        digits = value.removeprefix("AS").removeprefix("as")
        # isdecimal alone also accepts digits of other scripts, and int() of a very long text costs time.
        value = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MAX_ASN:
        return 0
    return value


def _code(value: object) -> str:
    if isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha():
        return value.upper()
    return ""


def _tidy(name: str) -> str:
    """One line of printable text: the name goes into logs, tables and terminals."""
    if len(name) <= MAX_NAME and name.isprintable():
        return name
    return "".join(char if char.isprintable() else " " for char in name[:MAX_NAME]).strip()
