"""Explore's candidates beside popularity, on MovieLens 100k split by time.

What ranks is explore's own code: its scoring of posts, its sources, its ranking and its diversity, on an index in
memory instead of Redis. Films are posts, their genres hashtags, their directors authors, and a rating of four stars or
more is a like. Posts live for a week, films were rated over seven months: these are squeezed into the week.

Each account is asked once, when it has given four fifths of its likes (of ten or more): explore knows everything that
happened before that moment, to anybody, and nothing after it. Relevant is what the account likes later. What it has
rated, with any number of stars, was seen and is shown by nobody. Popularity knows the same: how many like a film at
that moment.

Accounts whose moment lies in the last tenth of the time are the test. What had to be chosen in explore was chosen on
those whose moment lies in the three tenths before (`--validation`).

A second table asks everybody at the same moment, nine tenths into the time, and lets nothing be learnt during the last
tenth, in which accounts return after weeks. Accounts without likes before that moment are left out.
"""
