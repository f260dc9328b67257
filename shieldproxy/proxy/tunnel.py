"""A tunnel: client and origin joined after 101; bytes pass unread, both ways, with back-pressure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.verdict import Side

if TYPE_CHECKING:
    from shieldproxy.proxy.client_side import ClientConnection
    from shieldproxy.proxy.forwarding import ForwardedExchange
    from shieldproxy.proxy.origin_side import OriginConnection


class Tunnel:
    """Two transports that feed each other. Ends when either ends, or when both were silent for too long."""

    def __init__(self, exchange: ForwardedExchange, client: ClientConnection, origin: OriginConnection) -> None:
        self._exchange = exchange
        self._client = client
        self._origin = origin
        self._ended = False

    def start(self, rest: bytes) -> None:
        """Join the two; ``rest`` is what the origin sent behind its 101."""
        self._origin.tunnel = self
        if rest:
            self.from_origin(rest)
        else:
            self._moved()

    def from_client(self, data: bytes) -> None:
        """Pass ``data`` to the origin."""
        self._exchange.bytes_in += len(data)
        self._origin.transport.write(data)
        self._moved()

    def from_origin(self, data: bytes) -> None:
        """Pass ``data`` to the client."""
        self._exchange.bytes_out += len(data)
        self._client.write(data)
        self._moved()

    def _moved(self) -> None:
        self._client.patience.move(self._client.door.terms)

    def hold_client(self) -> None:
        """The origin does not keep up."""
        self._client.hold()

    def release_client(self) -> None:
        """The origin takes more."""
        self._client.release()

    def hold_origin(self) -> None:
        """The client does not keep up."""
        self._origin.hold_reading()

    def release_origin(self) -> None:
        """The client takes more."""
        self._origin.release_reading()

    def end(self) -> None:
        """One side ended: let the other have what is on its way, then close it, and settle the exchange."""
        if self._ended:
            return
        self._ended = True
        self._origin.leave()
        self._client.leave_tunnel()
        self._exchange.finish(Side.NONE)
