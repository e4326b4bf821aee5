"""Web Push: subscriptions of devices, when what is sent to them, and the sender."""
