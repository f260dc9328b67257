"""What we hand to the kernel: bans as sets of nftables, a twin that only says so, and nothing at all."""
