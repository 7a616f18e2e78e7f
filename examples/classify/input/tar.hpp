// A strict reader of tar archives: ustar, pax and GNU long names, from files and pipes, one member after the other.
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

    /// The next member, null after the last one. Errors, after which there is nothing more to read: io; malformed (a checksum,
    /// a number or a name that is not what the format demands, an end before the archive's own end mark, data after it: two
    /// archives in one file would otherwise be read as one); unsupported (sparse files, archives of several volumes).
    cvt::result<std::optional<tar_member>> next();
    /// The data of the member that next() gave, at most once. Errors: io, malformed (the archive ends before).
    cvt::result<std::vector<std::byte>> read();

private:
    struct header;
    struct extension {  // what pax and GNU headers say about the member after them
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
    std::optional<std::uint64_t> total_;  // bytes of the archive, where it is a file
    std::uint64_t at_ = 0;                // in the archive
    std::uint64_t data_ = 0;              // of the member, not read yet
    std::uint64_t padding_ = 0;           // behind them
};

}  // namespace app
