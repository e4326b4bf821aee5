"""People who follow each other, and their posts: the same for every design that is measured.

graph      who follows whom, from a file or made up, and readers who follow exactly so many
posts      who posted when
mesh       what puts both into our stores, and takes them out again
tokens     access tokens for these people
"""
