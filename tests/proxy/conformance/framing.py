"""Where a message ends: lengths, codings, chunks. One message must never become two (request smuggling)."""

from __future__ import annotations

from tests.proxy.conformance.case import EVIL, Case, chunked, ending, get, post, refused, served

LENGTH = b"Content-Length: %d\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"0\r\n\r\n"

# A length and a coding together: each order, and each way of hiding one of them.
BOTH: list[Case] = [
    refused("a length before chunks", post(b"Content-Length: 5\r\n" + CHUNKED, END)),
    refused("a length behind chunks", post(CHUNKED + b"Content-Length: 5\r\n", END)),
    refused("CL.TE: what the length leaves over", post(b"Content-Length: 6\r\n" + CHUNKED, END + b"G" + EVIL)),
    refused("TE.CL: what the chunks leave over", post(CHUNKED + b"Content-Length: 4\r\n", b"5c\r\n" + EVIL + END)),
    refused("a length of nothing beside chunks", post(b"Content-Length: 0\r\n" + CHUNKED, END + EVIL)),
    refused("chunks twice beside a length", post(CHUNKED + CHUNKED + b"Content-Length: 5\r\n", END)),
    refused("a length beside another coding", post(b"Transfer-Encoding: gzip\r\nContent-Length: 3\r\n", b"abc" + EVIL)),
    refused("a length beside identity", post(b"Transfer-Encoding: identity\r\nContent-Length: 3\r\n", b"abc" + EVIL)),
    refused("a GET with both", get(b"Content-Length: 5\r\n" + CHUNKED) + END + EVIL),
]


def coded(value: bytes, name: bytes = b"Transfer-Encoding") -> bytes:
    return post(name + b":" + value + b"\r\n", END + EVIL)


CODINGS: list[Case] = [
    refused("an unknown coding", coded(b" xchunked")),
    refused("a coding with a prefix", coded(b" x chunked")),
    refused("identity", coded(b" identity")),
    refused("chunked, identity", coded(b" chunked, identity")),
    refused("identity, chunked", coded(b" identity, chunked")),
    refused("gzip, chunked", coded(b" gzip, chunked")),
    refused("chunked, gzip", coded(b" chunked, gzip")),
    refused("chunked, chunked", coded(b" chunked, chunked")),
    refused("a leading comma", coded(b" ,chunked")),
    refused("a trailing comma", coded(b" chunked,")),
    refused("a semicolon and a parameter", coded(b" chunked;q=1")),
    refused("quotes", coded(b' "chunked"')),
    refused("single quotes", coded(b" 'chunked'")),
    refused("a vertical tab before it", coded(b" \x0bchunked")),
    refused("a vertical tab behind it", coded(b" chunked\x0b")),
    refused("a form feed before it", coded(b" \x0cchunked")),
    refused("a NUL behind it", coded(b" chunked\x00")),
    refused("a byte over 0x7F behind it", coded(b" chunked\xa0")),
    refused("a no-break space before it", coded(b" \xc2\xa0chunked")),
    refused("the Kelvin sign for a k", coded(" chun\N{KELVIN SIGN}ed".encode())),
    refused("nothing at all", coded(b"")),
    refused("blanks alone", coded(b"   ")),
    refused("a space before the colon", coded(b" chunked", b"Transfer-Encoding ")),
    refused("a tab before the colon", coded(b" chunked", b"Transfer-Encoding\t")),
    refused("a space before the name", coded(b" chunked", b" Transfer-Encoding")),
    refused("a NUL behind the name", post(b"Transfer-Encoding\x00: chunked\r\n", END + EVIL)),
    refused("two lines, the second unknown", post(CHUNKED + b"Transfer-Encoding: x\r\n", END + EVIL)),
    refused("two lines, the first unknown", post(b"Transfer-Encoding: x\r\n" + CHUNKED, END + EVIL)),
    refused("two lines of chunked", post(CHUNKED + CHUNKED, END + EVIL)),
    refused("a folded value", post(b"Transfer-Encoding:\r\n chunked\r\n", END + EVIL)),
    refused("a value folded by a tab", post(b"Transfer-Encoding:\r\n\tchunked\r\n", END + EVIL)),
    refused("a value ended by a bare CR", post(b"Transfer-Encoding: chunked\rX: y\r\n", END + EVIL)),
    refused("a value ended by a bare LF", post(b"Transfer-Encoding: chunked\nX: y\r\n", END + EVIL)),
    refused("hidden behind a bare LF", post(b"X: y\nTransfer-Encoding: chunked\r\n", END + EVIL)),
    refused("hidden behind a bare CR", post(b"X: y\rTransfer-Encoding: chunked\r\n", END + EVIL)),
    refused("chunks in HTTP/1.0", post(CHUNKED, END + EVIL, version=b"HTTP/1.0")),
    refused(
        "chunks in HTTP/1.0 with keep-alive", post(CHUNKED + b"Connection: keep-alive\r\n", END, version=b"HTTP/1.0")
    ),
    refused("Connection naming the coding", post(CHUNKED + b"Connection: transfer-encoding\r\n", END + EVIL)),
    served(
        "chunked in other letters", chunked(b"3\r\nabc\r\n" + END, b"transfer-ENCODING: ChUnKeD\r\n"), "POST /p abc"
    ),
    refused("a tab behind it", coded(b" chunked\t")),
    served(
        "blanks round the value", chunked(b"3\r\nabc\r\n" + END, b"Transfer-Encoding: \t chunked  \r\n"), "POST /p abc"
    ),
    served(
        "no blank before the value", chunked(b"3\r\nabc\r\n" + END, b"Transfer-Encoding:chunked\r\n"), "POST /p abc"
    ),
    served("a name with an underscore is another name", post(b"Transfer_Encoding: chunked\r\n"), "POST /p"),
    served("a coding that only TE offers", get(b"TE: chunked\r\n"), "GET /"),
    served("a chunked GET", get(CHUNKED) + b"3\r\nabc\r\n" + END, "GET / abc"),
]


def long(value: bytes, body: bytes = b"abc", name: bytes = b"Content-Length") -> bytes:
    return post(name + b":" + value + b"\r\n", body + EVIL)


LENGTHS: list[Case] = [
    refused("a plus", long(b" +3")),
    refused("a minus", long(b" -3")),
    refused("minus nothing", long(b" -0")),
    refused("hexadecimal", long(b" 0x3")),
    refused("an exponent", long(b" 3e0")),
    refused("a fraction", long(b" 3.0")),
    refused("a list of the same", long(b" 3, 3")),
    refused("a list of others", long(b" 3, 4")),
    refused("a list with nothing in it", long(b" 3,")),
    refused("a blank within", long(b" 3 0")),
    refused("an underscore within", long(b" 1_0")),
    refused("words", long(b" three")),
    refused("nothing", long(b"")),
    refused("digits of another script", long(" \N{ARABIC-INDIC DIGIT THREE}".encode())),
    refused("a superscript", long(b" \xb3")),
    refused("2 to the 64th and 3", long(b" 18446744073709551619")),
    refused("2 to the 63rd", long(b" 9223372036854775808")),
    refused("a thousand digits", long(b" " + b"9" * 1000)),
    refused("two lines, the same", post(LENGTH % 3 + LENGTH % 3, b"abc" + EVIL)),
    refused("two lines, different", post(LENGTH % 3 + LENGTH % 30, b"abc" + EVIL)),
    refused("two lines, one of nothing", post(LENGTH % 0 + LENGTH % 3, b"abc" + EVIL)),
    refused("two lines in different letters", post(b"content-length: 3\r\nCONTENT-LENGTH: 4\r\n", b"abc" + EVIL)),
    refused("a space before the colon of the length", long(b" 3", name=b"Content-Length ")),
    refused("a tab before the colon of the length", long(b" 3", name=b"Content-Length\t")),
    refused("a vertical tab before the number", long(b" \x0b3")),
    refused("a vertical tab behind the number", long(b" 3\x0b")),
    refused("a NUL behind the number", long(b" 3\x00")),
    refused("a folded length", post(b"Content-Length:\r\n 3\r\n", b"abc" + EVIL)),
    refused("a bare CR behind the number", post(b"Content-Length: 3\rX: y\r\n", b"abc" + EVIL)),
    refused("a length hidden behind a bare LF", post(b"X: y\nContent-Length: 3\r\n", b"abc" + EVIL)),
    refused("Connection naming the length", post(LENGTH % 3 + b"Connection: content-length\r\n", b"abc" + EVIL)),
    served("blanks round the number", post(b"Content-Length: \t3 \t\r\n", b"abc"), "POST /p abc"),
    served("leading zeros", post(b"Content-Length: 0003\r\n", b"abc"), "POST /p abc"),
    served("a length of nothing", post(LENGTH % 0), "POST /p"),
    served("no length at all", post(b""), "POST /p"),
    served("a GET with a body", get(LENGTH % 3) + b"abc", "GET / abc"),
    served("a body that looks like a request", post(LENGTH % len(EVIL), EVIL), "POST /p " + EVIL.decode()),
    Case(
        "no length: what follows is a request of its own, and no method begins so",
        post(b"", b"abc"),
        (200, 400),
        ("POST /p",),
    ),
    ending("HTTP/1.0 with a length", post(LENGTH % 3, b"abc", version=b"HTTP/1.0"), "POST /p abc"),
]


def broken(body: bytes) -> bytes:
    return chunked(body + EVIL)


CHUNKS: list[Case] = [
    refused("a size that is none", broken(b"x\r\nabc\r\n" + END)),
    refused("an empty size", broken(b"\r\nabc\r\n" + END)),
    refused("a size with 0x", broken(b"0x3\r\nabc\r\n" + END)),
    refused("a size with a plus", broken(b"+3\r\nabc\r\n" + END)),
    refused("a size with a minus", broken(b"-3\r\nabc\r\n" + END)),
    refused("a size with a blank before it", broken(b" 3\r\nabc\r\n" + END)),
    refused("a size with a tab before it", broken(b"\t3\r\nabc\r\n" + END)),
    refused("a size with a blank behind it", broken(b"3 \r\nabc\r\n" + END)),
    refused("a size with an underscore", broken(b"0_3\r\nabc\r\n" + END)),
    refused("a size beyond 64 bits", broken(b"10000000000000003\r\nabc\r\n" + END)),
    refused("a size beyond 64 bits by far", broken(b"f" * 40 + b"\r\nabc\r\n" + END)),
    refused("a size ended by a bare LF", broken(b"3\nabc\r\n" + END)),
    refused("a size ended by a bare CR", broken(b"3\rabc\r\n" + END)),
    refused("a chunk ended by a bare LF", broken(b"3\r\nabc\n" + END)),
    refused("a chunk ended by a bare CR", broken(b"3\r\nabc\r" + END)),
    refused("a chunk ended by nothing", broken(b"3\r\nabc" + END)),
    refused("a chunk longer than its size", broken(b"3\r\nabcd\r\n" + END)),
    refused("a chunk shorter than its size", broken(b"5\r\nabc\r\n" + END)),
    refused("a request where a chunk should be", broken(b"3\r\nabc\r\n")),
    refused("the last chunk ended by a bare LF", broken(b"3\r\nabc\r\n0\n\r\n")),
    refused("the last chunk with a bare LF for the empty line", broken(b"3\r\nabc\r\n0\r\n\n")),
    refused("an extension with a bare LF", broken(b"3;a\nb\r\nabc\r\n" + END)),
    refused("an extension with a bare CR", broken(b"3;a\rb\r\nabc\r\n" + END)),
    refused("an extension with a NUL", broken(b"3;a=\x00\r\nabc\r\n" + END)),
    refused("an extension without an end of its quotes", broken(b'3;a="b\r\nabc\r\n' + END)),
    refused("a trailer with a blank before the colon", broken(b"3\r\nabc\r\n0\r\nX : y\r\n\r\n")),
    refused("a trailer with a bare LF", broken(b"3\r\nabc\r\n0\r\nX: y\nZ: w\r\n\r\n")),
    refused("a trailer with a NUL", broken(b"3\r\nabc\r\n0\r\nX: \x00\r\n\r\n")),
    refused("a folded trailer", broken(b"3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n")),
    served("an extension, which ends here", chunked(b"3;a=b\r\nabc\r\n" + END), "POST /p abc"),
    served("a quoted extension", chunked(b'3;a="b;c"\r\nabc\r\n' + END), "POST /p abc"),
    served("a size in capitals", chunked(b"A\r\n0123456789\r\n" + END), "POST /p 0123456789"),
    served("a size with leading zeros", chunked(b"00003\r\nabc\r\n" + END), "POST /p abc"),
    served("a last chunk of several zeros", chunked(b"3\r\nabc\r\n0000\r\n\r\n"), "POST /p abc"),
    served("a trailer, which ends here", chunked(b"3\r\nabc\r\n0\r\nX: y\r\n\r\n"), "POST /p abc"),
    refused("a trailer that frames", broken(b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n")),
    refused("a trailer that codes", broken(b"3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n")),
    served("a trailer that names a site", chunked(b"3\r\nabc\r\n0\r\nHost: evil.example\r\n\r\n"), "POST /p abc"),
    served(
        "an announced trailer", chunked(b"3\r\nabc\r\n0\r\nX: y\r\n\r\n", CHUNKED + b"Trailer: X\r\n"), "POST /p abc"
    ),
    served("an empty chunked body", chunked(END), "POST /p"),
    served("a request within a chunk", chunked(b"%x\r\n%b\r\n" % (len(EVIL), EVIL) + END), "POST /p " + EVIL.decode()),
]

CASES: list[Case] = [
    *BOTH,
    *(case._replace(promise=f"coding: {case.promise}") for case in CODINGS),
    *(case._replace(promise=f"length: {case.promise}") for case in LENGTHS),
    *(case._replace(promise=f"chunks: {case.promise}") for case in CHUNKS),
]
