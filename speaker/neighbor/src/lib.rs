//! ARP and NDP: packets, kernel filter, responder, announcer.
