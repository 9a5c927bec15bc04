// Others change the tree while it is made: whatever they put in the way, nothing comes to be elsewhere.
#include "extract/tree.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "sandbox/open_beneath.h"
#include "support/catch.h"

using namespace ssnap;
using extract::Tree;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "ssnap-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
    fs::create_directory(path / "outside");
  }
  ~Folder() { fs::remove_all(path); }
  Tree tree() const {
    auto made = Tree::create((path / "tree").string(), -1);
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  fs::path path;
};

void refuse_openat2() {
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{4, program};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) ::_exit(100);
}

// Tests that call this are marked [seccomp]: script/cross runs them where there is a kernel of their own.
// What `check` says, with this kernel as it is and, in a child, as one before 5.6. 0: all is well.
void on_old_and_new_kernels(const std::function<int()>& check) {
  for (const bool is_old : {false, true}) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (is_old) refuse_openat2();
      ::_exit(check());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    INFO((is_old ? "without" : "with") << " openat2");
    CHECK(status == 0);
  }
}

int error_of(const base::Result<void>& result) { return result.has_error() ? result.error().errno_number : 0; }

}  // namespace

TEST_CASE("planted symlinks lead nowhere", "[seccomp]") {
  on_old_and_new_kernels([] {
    const Folder folder;
    Tree tree = folder.tree();
    if (error_of(tree.write_file("proc/1/stat", "x")) != 0) return 1;
    const fs::path root = folder.path / "tree";
    fs::create_directory_symlink(folder.path / "outside", root / "proc/net");
    fs::create_directory_symlink("../../outside", root / "proc/2");
    fs::create_symlink(folder.path / "outside/new", root / "proc/1/maps");
    fs::create_directory_symlink("..", root / "up");
    for (const char* name : {"proc/net/tcp", "proc/2/stat", "proc/net/a/b/c", "up/outside/x", "proc/1/maps"}) {
      const auto written = tree.write_file(name, "evil");
      if (!written.has_error() || !extract::is_about_one_name(written.error())) return 2;
      if (!tree.make_symlink(name, "evil").has_error() || !tree.link_file("proc/1/stat", name).has_error()) return 3;
    }
    for (const char* name : {"proc/net", "proc/net/a", "proc/2/a/b", "up", "up/outside/a"})
      if (!tree.make_directory(name).has_error()) return 4;
    // A link itself may get a second name; what it points to never does.
    if (error_of(tree.link_file("proc/1/maps", "proc/1/again")) != 0 || !fs::is_symlink(root / "proc/1/again")) return 5;
    return fs::is_empty(folder.path / "outside") ? 0 : 6;
  });
}

TEST_CASE("what was moved away meanwhile is made anew", "[seccomp]") {
  on_old_and_new_kernels([] {
    const Folder folder;
    Tree tree = folder.tree();
    const fs::path root = folder.path / "tree";
    if (error_of(tree.write_file("proc/1/stat", "x")) != 0 || error_of(tree.make_symlink("proc/1/exe", "x")) != 0) return 1;
    fs::rename(root / "proc/1", folder.path / "outside/1");
    if (error_of(tree.write_file("proc/1/maps", "x")) != 0 || error_of(tree.make_symlink("proc/1/cwd", "x")) != 0) return 2;
    if (error_of(tree.link_file("proc/1/maps", "proc/1/again")) != 0) return 3;
    return fs::exists(folder.path / "outside/1/maps") || fs::is_symlink(folder.path / "outside/1/cwd") ? 4 : 0;
  });
}

TEST_CASE("a directory that becomes a symlink at any moment", "[seccomp]") {
  on_old_and_new_kernels([] {
    const Folder folder;
    Tree tree = folder.tree();
    const fs::path proc = folder.path / "tree/proc", aside = folder.path / "tree/aside", link = folder.path / "tree/link";
    if (error_of(tree.make_directory("proc")) != 0) return 1;
    fs::create_directory_symlink(folder.path / "outside", link);
    // Exchanges the directory and a symlink to elsewhere, all the time.
    std::atomic<bool> done = false;
    std::atomic<int> exchanges = 0;
    std::thread attacker([&] {
      while (!done) {
        ::rename(proc.c_str(), aside.c_str());
        ::rename(link.c_str(), proc.c_str());
        ::rename(proc.c_str(), link.c_str());
        ::rename(aside.c_str(), proc.c_str());
        ++exchanges;
      }
    });
    bool only_names = true;
    for (int i = 0; i < 300 || exchanges < 300; ++i) {
      const std::string name = "proc/" + std::to_string(i);
      for (const auto& result : {tree.write_file(name, "evil"), tree.make_symlink(name + "l", "evil"), tree.make_directory(name + "d/d")})
        only_names = only_names && (!result.has_error() || extract::is_about_one_name(result.error()));
    }
    done = true;
    attacker.join();
    if (!only_names) return 2;
    return fs::is_empty(folder.path / "outside") ? 0 : 3;
  });
}

TEST_CASE("openat2 keeps below") {
  const Folder folder;
  const Tree tree = folder.tree();
  fs::create_directory_symlink("inner", folder.path / "tree/within");
  fs::create_directory(folder.path / "tree/inner");
  const auto error_opening = [&](const char* name) {
    const base::Fd opened = sandbox::open_beneath(tree.root(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return opened ? 0 : errno;
  };
  if (error_opening("inner") == ENOSYS) return;  // Linux before 5.6
  CHECK(error_opening("inner") == 0);
  CHECK(error_opening("..") == EXDEV);
  CHECK(error_opening("inner/../../outside") == EXDEV);
  CHECK(error_opening("/") == EXDEV);
  CHECK(error_opening("within") == ELOOP);
  CHECK(error_opening("missing") == ENOENT);
}

TEST_CASE("a tree that was made in vain is removed, and no other") {
  const Folder folder;
  folder.tree().discard();
  CHECK_FALSE(fs::exists(folder.path / "tree"));
  fs::create_directory(folder.path / "tree");
  folder.tree().discard();
  CHECK(fs::exists(folder.path / "tree"));
  fs::remove(folder.path / "tree");
  Tree used = folder.tree();
  CHECK(error_of(used.write_file("a", "x")) == 0);
  used.discard();
  CHECK(fs::exists(folder.path / "tree/a"));
}
