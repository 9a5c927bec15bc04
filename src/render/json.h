// --format json and ndjson: everything that was decoded, per docs/schema/ssnap.schema.json.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "model/finding.h"
#include "render/sink.h"
#include "render/view.h"

namespace ssnap::render {

// One object with host, capture, namespaces, processes, sockets, gaps, problems, account, and where
// asked for pairs, findings and rules; ends with a newline.
void render_json(const Rows& rows, bool pairs, const std::vector<std::string>& fields, const model::Findings* findings,
                 const Sink& sink);
std::string render_json(const Rows& rows, bool pairs = false, const std::vector<std::string>& fields = {},
                        const model::Findings* findings = nullptr);
// One object a line, each with a `type`: host, capture, namespace, process, socket, pair, finding, rule, gap, problem,
// account (a table), held.
void render_ndjson(const Rows& rows, bool pairs, const std::vector<std::string>& fields, const model::Findings* findings,
                   const Sink& sink);
std::string render_ndjson(const Rows& rows, bool pairs = false, const std::vector<std::string>& fields = {},
                          const model::Findings* findings = nullptr);

// One socket, as in render_json().
boost::json::object socket_object(const model::Snapshot& snapshot, const model::Socket& socket);

}  // namespace ssnap::render
