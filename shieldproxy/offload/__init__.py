"""What we hand to the kernel: bans as nftables sets, and a dry-run twin."""
