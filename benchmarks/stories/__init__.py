"""Trays of people who follow 10, 1,000 and 9,000 accounts, a tenth of whom have stories, beside a loop over whom they
follow; and views of one story, counted. On a Redis of its own: what post answers for names comes on top."""
