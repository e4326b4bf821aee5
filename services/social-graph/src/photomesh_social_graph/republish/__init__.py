"""Writes the current state of every follow, request, block and mute to the topic `follows`, and of lists of close
friends to `close_friends`, with a new version each, and ends what a topic has and the database has not::

python -m photomesh_social_graph.republish
python -m photomesh_social_graph.republish --check    # only says what differs; exits with 1 if anything does

After a restore of the database: consumers then follow what it says, whatever they have seen since the backup. It may
run beside the service, whose outbox relay publishes the events, and may be repeated. Run `photomesh_identity.republish`
first: this service's copies of accounts are as old as the backup.
"""
