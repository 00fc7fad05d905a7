//! gateway-exchange
