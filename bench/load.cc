// A busy host for benchmarks: P processes that hold S sockets in N network namespaces, as varied as those of a real one.
//
//     bench-load --sockets 50000 --processes 200 [--namespaces 1] [--here]
//
// When all are there it prints one line on standard output,
//
//     ready pid=4711 sockets=50000 processes=200 namespaces=1
//
// and keeps them until its standard input ends. Its namespaces are its own (`nsenter -t PID -n` leads into the first), or,
// with --here, the first is the one it was started in. Of each process about 2 of 100 sockets listen, 5 are UDP, 10 UNIX, the
// rest ends of established TCP connections (IPv4, IPv6 and IPv6 with an IPv4 address) with the next process of the same
// namespace. Addresses, ports, queues and what was sent differ: the same arguments make the same sockets again, but for
// ports that the kernel chooses and its clocks.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kMinSocketsEach = 20;
constexpr int kMaxProcesses = 20'000;  // each has a port of ::1
// Descriptors that are no sockets: standard input to error, the pipes.
constexpr int kOtherFds = 16;
// One of so many ends of a connection has sent something.
constexpr std::uint32_t kBusy = 16;
// Addresses that the clients of a process come from.
constexpr std::uint32_t kClientAddresses = 6;
// Below the kernel's ephemeral ports (net.ipv4.ip_local_port_range), of which the clients get theirs.
constexpr int kFirstPort = 2'000, kLastPort = 32'000;

int failure_pipe = -1;  // in a child: where the parent hears of it

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bench-load: %s: %s\n", what, std::strerror(errno));
  if (failure_pipe >= 0) (void)!::write(failure_pipe, "!", 1);
  std::_Exit(1);
}

int checked(int result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

// splitmix64: the same numbers in each run.
class Random {
 public:
  // Seeds that follow each other must not give the same row, shifted.
  explicit Random(std::uint64_t seed) : state_(mix(mix(seed) + kStep)) {}
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(mix(state_ += kStep) % limit); }
  bool one_of(std::uint32_t count) { return below(count) == 0; }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
  std::uint64_t state_;
};

// All processes pass together. Two pipes take turns, so that a fast process can't take the token of a slow one.
class Barrier {
 public:
  Barrier() {
    checked(::pipe2(arrived_.data(), O_CLOEXEC), "pipe");
    for (auto& turn : go_) checked(::pipe2(turn.data(), O_CLOEXEC), "pipe");
  }
  // In a child: the ends that it doesn't use, so that it notices when the parent is gone.
  void become_child() {
    failure_pipe = arrived_[1];
    ::close(arrived_[0]);
    for (auto& turn : go_) ::close(turn[1]);
  }
  void become_parent() { ::close(arrived_[1]); }
  // In the parent: no child waits any longer.
  void end() {
    for (auto& turn : go_) ::close(turn[1]);
  }
  void wait() {
    char token = '.';
    if (::write(arrived_[1], &token, 1) != 1 || ::read(go_[turn_][0], &token, 1) != 1) std::_Exit(1);
    turn_ = 1 - turn_;
  }
  // In the parent: false if a child has failed.
  bool release(int children) {
    char tokens[4096];
    for (int left = children; left > 0;) {
      const ssize_t got = ::read(arrived_[0], tokens, std::min<std::size_t>(sizeof tokens, left));
      if (got <= 0) return false;
      if (std::string_view(tokens, got).find('!') != std::string_view::npos) return false;
      left -= static_cast<int>(got);
    }
    const std::string go(children, '.');
    if (::write(go_[turn_][1], go.data(), go.size()) != children) return false;
    turn_ = 1 - turn_;
    return true;
  }
 private:
  std::array<int, 2> arrived_{};
  std::array<std::array<int, 2>, 2> go_{};
  int turn_ = 0;
};

sockaddr_in ipv4(std::uint32_t address, int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(address);
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  return out;
}

sockaddr_in6 mapped(std::uint32_t address, int port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(static_cast<std::uint16_t>(port));
  out.sin6_addr.s6_addr[10] = out.sin6_addr.s6_addr[11] = 0xff;
  const std::uint32_t bytes = htonl(address);
  std::memcpy(out.sin6_addr.s6_addr + 12, &bytes, sizeof bytes);
  return out;
}

sockaddr_in6 loopback6(int port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(static_cast<std::uint16_t>(port));
  out.sin6_addr = in6addr_loopback;
  return out;
}

template <class Address>
bool bind_to(int fd, const Address& address) {
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

void set(int fd, int level, int option, int value) { checked(::setsockopt(fd, level, option, &value, sizeof value), "setsockopt"); }

// What one process holds; the kinds of connection by the listener that they lead to.
enum Kind { kPlain, kMapped, kLoopback6, kNarrow, kKindCount };

struct Plan {
  int idle_listeners = 0, udp = 0, local = 0;
  std::array<int, kKindCount> pairs{};  // to the next process; as many come from the one before

  explicit Plan(int sockets) {
    idle_listeners = std::max(0, sockets / 50 - kKindCount);
    udp = sockets / 20;
    local = sockets / 10;
    const int rest = sockets - kKindCount - idle_listeners - udp - local;
    udp += rest % 2;
    const int total = rest / 2;
    pairs[kMapped] = total / 4;
    pairs[kLoopback6] = total / 20;
    pairs[kNarrow] = total / 20;
    pairs[kPlain] = total - pairs[kMapped] - pairs[kLoopback6] - pairs[kNarrow];
  }
};

std::uint32_t address_of(int process) { return 0x7f010001u + static_cast<std::uint32_t>(process); }
int port_of(int process, Kind kind) {
  if (kind == kLoopback6) return kFirstPort + process;  // they share one address
  // A part of the range for each kind: a process has them all at one address.
  constexpr int kPart = (kLastPort - kFirstPort) / kKindCount;
  return kFirstPort + kind * kPart + static_cast<int>(Random(process * kKindCount + kind).below(kPart));
}

class Process {
 public:
  Process(int index, int next, int sockets) : index_(index), next_(next), plan_(sockets), random_(index + 1'000'003) {}

  void make_listeners() {
    const std::uint32_t own = address_of(index_);
    listeners_[kPlain] = listener(ipv4(own, port_of(index_, kPlain)), 0);
    listeners_[kMapped] = listener(mapped(own, port_of(index_, kMapped)), 0);
    listeners_[kLoopback6] = listener(loopback6(port_of(index_, kLoopback6)), 0);
    listeners_[kNarrow] = listener(ipv4(own, port_of(index_, kNarrow)), 4096);
    for (int i = 0; i < plan_.idle_listeners; ++i) idle_listener(i);
  }

  void connect() {
    const std::uint32_t next = address_of(next_);
    for (int kind = 0; kind < kKindCount; ++kind) {
      const int port = port_of(next_, static_cast<Kind>(kind));
      for (int i = 0; i < plan_.pairs[kind]; ++i) {
        if (kind == kLoopback6) clients_.push_back(connected(loopback6(port), AF_INET6));
        // A listener for IPv6 is reached by IPv4 as well; the other end then is a plain IPv4 socket.
        else if (kind == kMapped && !random_.one_of(4)) clients_.push_back(connected(mapped(next, port), AF_INET6));
        else clients_.push_back(connected(ipv4(next, port), AF_INET));
      }
    }
  }

  void accept() {
    for (int kind = 0; kind < kKindCount; ++kind) {
      for (int i = 0; i < plan_.pairs[kind]; ++i) {
        servers_.push_back(checked(::accept4(listeners_[kind], nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK), "accept"));
        vary(servers_.back());
      }
    }
  }

  void send_requests() { send_some(clients_, 3, 3'000); }
  void answer() {
    read_some(servers_, 20);
    send_some(servers_, 2, 6'000);
  }
  void read_answers() {
    read_some(clients_, 30);
    const int narrow = plan_.pairs[kNarrow];  // the last clients: the other end's window is soon full
    const std::string much(24'000, 'x');
    for (std::size_t i = clients_.size() - narrow; i < clients_.size(); ++i)
      if (random_.one_of(4)) (void)!::send(clients_[i], much.data(), 4'000 + random_.below(20'000), MSG_DONTWAIT | MSG_NOSIGNAL);
    for (const int fd : clients_)
      if (random_.one_of(40)) ::shutdown(fd, SHUT_WR);  // CLOSE-WAIT and FIN-WAIT-2, which stay while the ends are held
  }

  void make_datagram_sockets() {
    for (int i = 0; i < plan_.udp; ++i) {
      const bool six = random_.one_of(4);
      const int fd = checked(::socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
      const std::uint32_t own = address_of(index_);
      int port = 0;
      do port = 1'024 + static_cast<int>(random_.below(60'000));
      while (!(six ? bind_to(fd, mapped(own, port)) : bind_to(fd, ipv4(own, port))) && errno == EADDRINUSE);
      const int datagrams = random_.one_of(3) ? 1 + static_cast<int>(random_.below(4)) : 0;
      for (int k = 0; k < datagrams; ++k) {
        const sockaddr_in to = ipv4(own, port);
        const sockaddr_in6 to6 = mapped(own, port);
        const auto* address = six ? reinterpret_cast<const sockaddr*>(&to6) : reinterpret_cast<const sockaddr*>(&to);
        (void)!::sendto(fd, filler(), random_.below(1'400), 0, address, six ? sizeof to6 : sizeof to);
      }
      if (!random_.one_of(3)) continue;
      const std::uint32_t peer = 0x7f800000u + random_.below(1 << 22);
      const sockaddr_in to = ipv4(peer, 53 + static_cast<int>(random_.below(5'000)));
      const sockaddr_in6 to6 = mapped(peer, 53 + static_cast<int>(random_.below(5'000)));
      const auto* address = six ? reinterpret_cast<const sockaddr*>(&to6) : reinterpret_cast<const sockaddr*>(&to);
      checked(::connect(fd, address, six ? sizeof to6 : sizeof to), "connect a UDP socket");
    }
  }

  void make_local_sockets() {
    int left = plan_.local;
    if (left % 2 == 1) named(SOCK_DGRAM), --left;
    if (left >= 4) {
      const int listening = named(SOCK_STREAM);
      checked(::listen(listening, 16), "listen");
      sockaddr_un name{};
      socklen_t length = sizeof name;
      ::getsockname(listening, reinterpret_cast<sockaddr*>(&name), &length);
      const int client = checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
      checked(::connect(client, reinterpret_cast<sockaddr*>(&name), length), "connect a UNIX socket");
      checked(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC), "accept");
      named(SOCK_SEQPACKET);
      left -= 4;
    }
    constexpr int kTypes[] = {SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    for (; left > 0; left -= 2) {
      int ends[2];
      checked(::socketpair(AF_UNIX, kTypes[random_.below(4)] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), "socketpair");
      if (random_.one_of(3)) (void)!::send(ends[0], filler(), 1 + random_.below(4'000), MSG_NOSIGNAL);
    }
  }

 private:
  static const char* filler() {
    static const std::string bytes(8'192, 'x');
    return bytes.data();
  }

  template <class Address>
  int listener(const Address& address, int receive_bytes) {
    const int family = reinterpret_cast<const sockaddr*>(&address)->sa_family;
    const int fd = checked(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    if (receive_bytes != 0) set(fd, SOL_SOCKET, SO_RCVBUF, receive_bytes);
    if (!bind_to(fd, address)) fail("bind a listener");
    checked(::listen(fd, 20'000), "listen");
    return fd;
  }

  void idle_listener(int i) {
    const int fd = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    while (!bind_to(fd, ipv4(address_of(index_), kFirstPort + static_cast<int>(random_.below(kLastPort - kFirstPort)))))
      if (errno != EADDRINUSE) fail("bind a listener");
    checked(::listen(fd, 1 + i), "listen");
  }

  // From a port of the kernel's choice.
  template <class Address>
  int connected(const Address& to, int family) {
    const int fd = checked(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const std::uint32_t from = 0x7f400000u + static_cast<std::uint32_t>(index_) * kClientAddresses + random_.below(kClientAddresses);
    set(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (family == AF_INET ? !bind_to(fd, ipv4(from, 0)) : !is_loopback6(to) && !bind_to(fd, mapped(from, 0))) fail("bind a client");
    checked(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), "connect");
    checked(::fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl");
    vary(fd);
    return fd;
  }
  static bool is_loopback6(const sockaddr_in&) { return false; }
  static bool is_loopback6(const sockaddr_in6& address) { return IN6_IS_ADDR_LOOPBACK(&address.sin6_addr); }

  void vary(int fd) {
    if (random_.one_of(6)) set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (random_.one_of(8)) set(fd, SOL_TCP, TCP_KEEPIDLE, 600 + static_cast<int>(random_.below(6'600)));
    if (random_.one_of(3)) set(fd, SOL_TCP, TCP_NODELAY, 1);
    if (random_.one_of(12)) set(fd, SOL_SOCKET, SO_SNDBUF, 8'192 << random_.below(5));
    if (random_.one_of(16)) set(fd, SOL_IP, IP_TOS, static_cast<int>(random_.below(64)) << 2);
  }

  void send_some(const std::vector<int>& fds, std::uint32_t times, std::uint32_t bytes) {
    for (const int fd : fds) {
      if (!random_.one_of(kBusy)) continue;
      for (std::uint32_t i = random_.below(times + 1); i > 0; --i)
        if (::send(fd, filler(), 1 + random_.below(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN) fail("send");
    }
  }

  // What one of `keep` has received stays in its queue, in part or as a whole.
  void read_some(const std::vector<int>& fds, std::uint32_t keep) {
    static char buffer[64 * 1024];
    for (const int fd : fds) {
      const std::size_t size = random_.one_of(keep) ? random_.below(1'000) : sizeof buffer;
      if (size > 0 && ::recv(fd, buffer, size, MSG_DONTWAIT) < 0 && errno != EAGAIN) fail("recv");
    }
  }

  // An abstract name.
  int named(int type) {
    const int fd = checked(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "socket");
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const int length = std::snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "bench/%d/%d/%08x", index_, fd, random_.below(1u << 31));
    checked(::bind(fd, reinterpret_cast<sockaddr*>(&name), static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length)), "bind");
    return fd;
  }

  int index_, next_;
  Plan plan_;
  Random random_;
  std::array<int, kKindCount> listeners_{};
  std::vector<int> clients_, servers_;
};

void write_sysctl(const char* path, const char* value) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!::write(fd, value, std::strlen(value));
  ::close(fd);
}

// lo up, long accept queues.
void furnish_namespace() {
  const int fd = checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  checked(::ioctl(fd, SIOCSIFFLAGS, &request), "bring lo up");
  ::close(fd);
  write_sysctl("/proc/sys/net/core/somaxconn", "65535");
}

struct Load {
  int sockets = 0, processes = 0, namespaces = 1;
  bool here = false;
};

void run_child(const Load& load, int index, Barrier& barrier, int life) {
  barrier.become_child();
  // The next process of the same namespace; the last one's is the first.
  const int next = index + load.namespaces < load.processes ? index + load.namespaces : index % load.namespaces;
  Process process(index, next, load.sockets / load.processes);
  process.make_listeners();
  process.make_datagram_sockets();
  process.make_local_sockets();
  barrier.wait();
  process.connect();
  barrier.wait();
  process.accept();
  process.send_requests();
  barrier.wait();
  process.answer();
  barrier.wait();
  process.read_answers();
  // Whoever reads what the parent prints must not wait for its children.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {0, 1, 2}) ::dup2(null, standard);
  ::close(null);
  barrier.wait();
  char end;
  (void)!::read(life, &end, 1);
  std::_Exit(0);
}

int usage() {
  std::fputs("usage: bench-load --sockets N --processes N [--namespaces N] [--here]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Load load;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    int* number = option == "--sockets" ? &load.sockets : option == "--processes" ? &load.processes : option == "--namespaces" ? &load.namespaces : nullptr;
    if (number != nullptr && i + 1 < argc) *number = std::atoi(argv[++i]);
    else if (option == "--here") load.here = true;
    else return usage();
  }
  if (load.processes < 1 || load.processes > kMaxProcesses || load.namespaces < 1 || load.namespaces > load.processes) return usage();
  const int each = load.sockets / load.processes;
  load.sockets = each * load.processes;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  if (each < kMinSocketsEach || static_cast<rlim_t>(each + kOtherFds) > files.rlim_max) {
    std::fprintf(stderr, "bench-load: %d sockets in each process: from %d to %llu can be had\n", each, kMinSocketsEach,
                 static_cast<unsigned long long>(files.rlim_max) - kOtherFds);
    return 2;
  }
  files.rlim_cur = files.rlim_max;
  checked(::setrlimit(RLIMIT_NOFILE, &files), "raise the limit of open files");

  Barrier barrier;
  int life[2];
  checked(::pipe2(life, O_CLOEXEC), "pipe");
  const int first = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  for (int netns = 0, last = -1; netns < load.namespaces; ++netns) {
    if (netns > 0 || !load.here) checked(::unshare(CLONE_NEWNET), "make a network namespace (root may)");
    if (netns == 0 && !load.here) last = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    furnish_namespace();
    for (int index = netns; index < load.processes; index += load.namespaces) {
      const pid_t child = checked(::fork(), "fork");
      if (child != 0) continue;
      ::close(life[1]);
      if (last >= 0) ::close(last);
      ::close(first);
      run_child(load, index, barrier, life[0]);
    }
    // The parent stays in the first namespace.
    if (netns + 1 == load.namespaces && netns > 0) checked(::setns(load.here ? first : last, CLONE_NEWNET), "setns");
  }
  barrier.become_parent();
  ::close(life[0]);
  bool good = true;
  for (int phase = 0; phase < 5 && good; ++phase) good = barrier.release(load.processes);
  if (good) {
    std::printf("ready pid=%d sockets=%d processes=%d namespaces=%d\n", ::getpid(), load.sockets, load.processes, load.namespaces);
    std::fflush(stdout);
    char end;
    while (::read(STDIN_FILENO, &end, 1) > 0) continue;
  }
  ::close(life[1]);  // each child waits for this
  barrier.end();
  while (::wait(nullptr) > 0) continue;
  return good ? 0 : 1;
}
