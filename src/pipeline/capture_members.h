// The members that tell of the capture itself: capture.json, end.json, journal/*.
#pragma once

#include "pipeline/member_context.h"

namespace ssnap::pipeline {

void read_capture_info(const Context& context);
void read_end_info(const Context& context);
void read_journal(const Context& context);

}  // namespace ssnap::pipeline
