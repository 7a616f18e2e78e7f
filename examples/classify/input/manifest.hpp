// Reads a JSON line of standard input: an object with a path and an id.
#pragma once

#include <cvt/error.hpp>
#include <cvt/extra/json.hpp>
#include <string>

namespace app {

/// Whether the line is read as JSON. For a file whose name begins with a brace, users write ./{...
inline bool looks_like_json(const std::string& line) { return line.starts_with('{'); }

/// The user's name for an image, repeated in its record.
struct input_id {
    enum class kind { none, integer, text };
    kind type = kind::none;
    std::string value;

    /// The id as a JSON value; empty if there is none.
    [[nodiscard]] std::string json() const;
};

struct manifest_line {
    std::string path;
    input_id id;
};

/// Reads {"path": "a.jpg", "id": "42"}. Other keys are allowed. Errors: malformed.
cvt::result<manifest_line> parse_manifest_line(const std::string& line);

/// Reads "path" and "id" of an object; records have them, too. The path may be any text, since the record of an invalid line repeats
/// the line. Errors: malformed.
cvt::result<manifest_line> path_and_id(const cvt::json_value& object);

}  // namespace app
