//! Which address may a Service have?.
