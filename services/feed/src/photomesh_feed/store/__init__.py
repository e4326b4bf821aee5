"""Feed's Redis. The only package that imports its driver; `keys` documents the layout.

reader   pages, candidates, timelines, for the read path
filler   what the read path loads from the durable stores
eraser   what is deleted with an account
writer   what events and fan-out tasks change
"""
