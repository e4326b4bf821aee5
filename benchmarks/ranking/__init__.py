"""Learnt rankings beside the weighted sum, on feeds made of MovieLens 100k, with a known curve of places.

The ratings, their times and the films' genres are people's own; that they are shown in pages of 20, who looks how far
down, and who reacts, is drawn. So the truth is known, and learners see the draws alone.
"""
