// tar_reader: a strict reader of tar archives (ustar, pax, GNU long names), from files and pipes, member by member.
#pragma once

#include <cstdint>
#include <cvt/error.hpp>
#include <optional>
#include <string>
#include <vector>

#include "platform/platform.hpp"

namespace app {

struct tar_member {
    enum class kind { file, link, folder, other };
    std::string name;
    kind type = kind::file;
    std::uint64_t size = 0;  ///< bytes of data
};

class tar_reader {
public:
    /// Reads of a pipe obey `control`, which must outlive the reader. Errors: io.
    static cvt::result<tar_reader> open(const std::string& path, read_control& control);

    /// The next member; null after the last one. Errors: io; malformed (a wrong checksum, number or name, a truncated archive, data after
    /// the end mark, as in a file of two archives); unsupported (sparse files, archives of several volumes). The reader must not be used
    /// after an error.
    cvt::result<std::optional<tar_member>> next();
    /// The data of the member that next() returned. Call at most once for each. Errors: io, malformed (a truncated archive).
    cvt::result<std::vector<std::byte>> read();

private:
    struct header;
    struct extension {  // of the next member, from pax and GNU headers
        std::optional<std::string> name;
        std::optional<std::uint64_t> size;
    };

    tar_reader(file&& archive, read_control& control) : file_{std::move(archive)}, control_{&control}, total_{file_.size()} {}
    cvt::result<std::size_t> get_some(void* to, std::size_t count);
    cvt::error get(void* to, std::size_t count);
    cvt::error skip(std::uint64_t count);
    cvt::error skip_rest();
    cvt::error check_end();
    cvt::error take(std::uint64_t size);
    cvt::result<std::string> read_text(const char* what);
    cvt::error read_pax(extension& found);
    [[nodiscard]] cvt::error broken(const char* what) const;

    file file_;
    read_control* control_;
    std::optional<std::uint64_t> total_;  // bytes of the archive if it is a regular file
    std::uint64_t at_ = 0;                // position in the archive
    std::uint64_t data_ = 0;              // bytes of the member that are not read yet
    std::uint64_t padding_ = 0;           // bytes after them
};

}  // namespace app
