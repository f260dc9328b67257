"""The journal of a month: how fast it answers, how large it is, how fast another server's logs come into it."""
