"""How we judge a request: gather, judge, reply, record; the challenge gate and its pages."""
