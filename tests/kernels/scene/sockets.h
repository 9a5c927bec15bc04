// Making sockets in one line each. What fails ends the process.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string_view>

namespace scene {

// -1 where the kernel doesn't offer it; any other error is the end.
int offered(int family, int type, int protocol);
int made(int family, int type, int protocol = 0);

void set(int fd, int level, int option, int value);

// Binds to an address of its own family; `address` as inet_pton takes it.
void bind_to(int fd, std::string_view address, int port);
void connect_to(int fd, std::string_view address, int port);
// Not blocking from then on.
void connect_without_waiting(int fd, std::string_view address, int port);
void listen_with(int fd, int backlog);
int accepted(int listener);

int tcp_listener(std::string_view address, int port, int backlog, int family = AF_INET);

// Leaves six bytes in the receive queue of `to`, the other end.
void send_unread(int from, int to);

// At a path, or in the abstract namespace where it begins with '@'.
void bind_to_name(int fd, std::string_view name);
void connect_to_name(int fd, std::string_view name);

}  // namespace scene
