"""What we look up: ASN, country and class of a network; robots whose addresses are published."""
