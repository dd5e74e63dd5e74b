//! Which speakers are alive, and what are they like? SWIM in sealed datagrams.
