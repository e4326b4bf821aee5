"""What the gateway costs: requests a second and latency through it, beside a bare proxy and beside no proxy.

make bench-gateway                     about three minutes; starts the test stack's Redis if it is not up
make bench-gateway ARGS="--quick"      one
"""
