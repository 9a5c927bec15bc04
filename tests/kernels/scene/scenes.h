// The parts of the scene. Each starts its actors and returns when their sockets are there and expected.
#pragma once

namespace scene {

void perform_sockets();     // TCP, UDP, UDP-Lite, ping, raw, UNIX, packet and netlink: what /proc/net shows too
void perform_owners();      // every way to hold a socket
void perform_families();    // SCTP, DCCP, MPTCP, vsock, XDP, SMC, TIPC, each where it is offered
void perform_tcp_states();  // TCP in every state, held there by a peer behind a TUN device

}  // namespace scene
