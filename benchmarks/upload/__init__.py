"""What an upload costs: latency through the gateway, and photos a second beside the pipeline alone.

make bench-upload                     about three minutes; starts the test stack if it is not up
make bench-upload ARGS="--quick"      a third of that
"""
