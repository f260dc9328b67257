"""Reports: who attacked, how often and from where, as text, as one page of HTML, and as JSON."""
