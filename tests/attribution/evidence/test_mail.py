from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from shieldproxy.attribution.evidence.mail import EXTRACT, draft
from tests.fakes.evidence import attacker, case_of, filled_case


def read(data: bytes) -> tuple[EmailMessage, str, str]:
    """Return the message, its text and its table."""
    message = message_from_bytes(data, policy=default)
    text, table = (
        str(part.get_content()).replace("\r\n", "\n") for part in message.iter_parts() if isinstance(part, EmailMessage)
    )
    return message, text, table


def test_a_draft_says_what_an_abuse_desk_asks_for() -> None:
    """Type, times with zone and accuracy, addresses with ports, protocol, target, marking; the table attached."""
    case = filled_case()
    message, text, table = read(draft(case, 64500, case.by_network()[64500], "The clock was kept by NTP."))
    assert "AS64500 Flood Hosting" in message["Subject"]
    assert "5 addresses" in message["Subject"]
    assert (message["From"], message["X-Unsent"], message["X-TLP"]) == ("ops@example.org", "1", "TLP:AMBER")
    for word in ("UTC", "kept by NTP", "handshake", "198.51.100.1 port 443", "protocol TCP", "E-2026-11"):
        assert word in text
    assert table.startswith("ip_address,")
    assert len(table.splitlines()) == 6


def test_the_same_case_makes_the_same_bytes() -> None:
    """So that two exports can be compared."""
    case = filled_case()
    one, two = (draft(case, 64500, case.by_network()[64500], "") for _ in range(2))
    assert one == two


def test_what_clients_wrote_cannot_forge_a_line() -> None:
    """A path with line breaks and bells stays one line of the extract; the extract has an end."""
    case = case_of()
    for number in range(60):
        record = attacker(number, number, path="/a\r\nFrom: you\x07", weight=3, src_port=0)
        line = b'{"ts":"t","src_ip":"203.0.113.1","method":"GET","path":"/a\\r\\nFrom: you\\u0007","weight":3,"status":429}'
        case.add(record.to_dict(), line)
    _, text, _ = read(draft(case, 0, case.heaviest(), ""))
    extract = text.split("answer):\n")[1].splitlines()
    assert len(extract) == EXTRACT
    assert all(line.startswith("t 203.0.113.1 port unknown -> -:- TCP GET") for line in extract)
    assert all(line.endswith("429 (and 2 alike)") for line in extract)
    assert "an unknown network" in text
