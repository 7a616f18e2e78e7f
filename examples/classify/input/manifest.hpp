// Reads a JSON line of standard input: an object with a path and an id.
#pragma once

#include "common/input_id.hpp"

namespace app {

/// Whether the line is read as JSON. For a file whose name begins with a brace, users write ./{...
inline bool looks_like_json(const std::string& line) { return line.starts_with('{'); }

/// Reads {"path": "a.jpg", "id": "42"}. Other keys are allowed. Errors: malformed.
cvt::result<identified_path> parse_manifest_line(const std::string& line);

}  // namespace app
