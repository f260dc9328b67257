"""One address, looked at by a person: everything the databases say, in geoip2's typed models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import geoip2.database
import geoip2.errors
import geoip2.models

from shieldproxy.core.addresses import Address, parse_address
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.intel.bogons import bogon_networks
from shieldproxy.intel.databases import READ_ERRORS, Database
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.shapes import asn_of, country_of


class Description(NamedTuple):
    """What is known of one address.

    `asn` and `country` are geoip2 models with all the maker of the database tells (names, registered country, network),
    None when the database is silent; `label` is the short form that judgements use; `bogon` says what the
    address is for when it belongs to no network of the Internet.
    """

    address: str
    label: NetworkLabel
    bogon: str
    asn: geoip2.models.ASN | None
    country: geoip2.models.Country | None
    network: str  # the widest network for which the ASN database says the same; "" when it is silent
    databases: tuple[str, ...]


def describe(address: str, networks: Networks, databases: Sequence[Database]) -> Description:
    """Describe one address. Opens the databases anew, so it is for people, not for the request path.

    Raises:
        ValueError: the text is no address.
    """
    parsed = parse_address(address)
    if parsed is None:
        raise ValueError(f"{address!r} is no IP address")
    purpose = next((word for network, word in bogon_networks() if parsed in network), "")
    asn, country = None, None
    for database in databases:
        if purpose or parsed.version > database.ip_version:
            continue
        if database.kind == "asn":
            asn = _asn(database, parsed)
        else:
            country = _country(database, parsed)
    return Description(
        address=str(parsed),
        label=networks.label(str(parsed)),
        bogon=purpose,
        asn=asn,
        country=country,
        network=str(asn.network) if asn and asn.network else "",
        databases=tuple(database.describe() for database in databases),
    )


def _asn(database: Database, address: Address) -> geoip2.models.ASN | None:
    """The maker's own model where geoip2 knows the type, else one made from the fields we know how to read."""
    try:
        if "GeoIP2-ISP" in database.type or "GeoLite2-ASN" in database.type:
            with geoip2.database.Reader(str(database.path)) as reader:
                return reader.isp(address) if "GeoIP2-ISP" in database.type else reader.asn(address)
    except (*READ_ERRORS, geoip2.errors.GeoIP2Error):
        pass  # not in it, or changed since it was opened: what is loaded decides
    record, length = _record(database, address)
    number, name = asn_of(record)
    if not number:
        return None
    return geoip2.models.ASN(
        address, autonomous_system_number=number, autonomous_system_organization=name or None, prefix_len=length
    )


def _country(database: Database, address: Address) -> geoip2.models.Country | None:
    """The same for the country; a City database tells the country too."""
    try:
        if "City" in database.type or "Country" in database.type:
            with geoip2.database.Reader(str(database.path)) as reader:
                return reader.city(address) if "City" in database.type else reader.country(address)
    except (*READ_ERRORS, AttributeError, geoip2.errors.GeoIP2Error):
        pass
    record, length = _record(database, address)
    code = country_of(record)
    if not code:
        return None
    return geoip2.models.Country(["en"], country={"iso_code": code}, ip_address=address, prefix_len=length)


def _record(database: Database, address: Address) -> tuple[object, int]:
    try:
        return database.reader.get_with_prefix_len(str(address))
    except READ_ERRORS:
        return None, 0
