// The members of one process: files below proc/PID, proc/PID/task/TID and proc/PID/reused.
#pragma once

#include "pipeline/member_context.h"

namespace ssnap::pipeline {

void read_stat(const Context& context);
void read_status(const Context& context);
void read_cmdline(const Context& context);
void read_environ(const Context& context);
void read_cgroup(const Context& context);
void read_fds(const Context& context);
void read_mountinfo(const Context& context);
void read_links(const Context& context);
void read_symlink(const Context& context);
void read_fd_listing(const Context& context);
void read_fdinfo(const Context& context);
void read_maps(const Context& context);
void read_loginuid(const Context& context);
void read_sessionid(const Context& context);
void read_security_label(const Context& context);

}  // namespace ssnap::pipeline
