// Fuzz target: a line of JSON, read as a record of classify and as a line of standard input that names an image.
#include <string>

#include "fuzz.hpp"
#include "input/manifest.hpp"
#include "output/record_schema.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string line{reinterpret_cast<const char*>(data), size};
    const auto named = app::parse_manifest_line(line);
    cvt_fuzz::require(!named || (!named->path.empty() && named->path.find('\0') == std::string::npos), "a path that is not a path");
    const auto record = app::parse_record(line);
    // What is read as a record and begins as classify writes it may also have been cut anywhere.
    if (record && app::may_be_incomplete_record(line))
        for (std::size_t cut = 0; cut <= size; cut += 1 + size / 64)
            cvt_fuzz::require(app::may_be_incomplete_record(std::string_view{line}.substr(0, cut)),
                              "a beginning that is not taken for one");
    return named || record ? 0 : cvt_fuzz::refused(record.error());
}
