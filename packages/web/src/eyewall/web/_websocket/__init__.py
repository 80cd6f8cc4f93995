"""WebSocket (RFC 6455, RFC 7692): handshake, connections, handlers and a client; frames are a library's business."""
