// A strict reader of tar archives: ustar, pax and GNU long names, from files and pipes, one member after the other.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cvt/error.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace app {

struct tar_member {
    enum class kind { file, link, folder, other };
    std::string name;
    kind type = kind::file;
    std::uint64_t size = 0;  ///< bytes of data
};

class tar_reader {
public:
    /// Errors: io.
    static cvt::result<tar_reader> open(const std::string& path);

    /// The next member, null after the last one. Errors, after which there is nothing more to read: io; malformed (a checksum,
    /// a number or a name that is not what the format demands, an end before the archive's own end mark, data after it: two
    /// archives in one file would otherwise be read as one); unsupported (sparse files, archives of several volumes).
    cvt::result<std::optional<tar_member>> next();
    /// Whether next() would wait for who writes to a pipe.
    [[nodiscard]] bool would_wait() const;
    /// The data of the member that next() gave, at most once. Errors: io, malformed (the archive ends before).
    cvt::result<std::vector<std::byte>> read();

private:
    struct header;
    struct extension {  // what pax and GNU headers say about the member after them
        std::optional<std::string> name;
        std::optional<std::uint64_t> size;
    };

    explicit tar_reader(std::FILE* file, std::optional<std::uint64_t> size) : file_{file, &std::fclose}, total_{size} {}
    cvt::error get(void* to, std::size_t count);
    cvt::error skip(std::uint64_t count);
    cvt::error skip_rest();
    cvt::error check_end();
    cvt::error take(std::uint64_t size);
    cvt::result<std::string> read_text(const char* what);
    cvt::error read_pax(extension& found);
    [[nodiscard]] cvt::error broken(const char* what) const;

    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
    std::optional<std::uint64_t> total_;  // bytes of the archive, where it is a file
    std::uint64_t at_ = 0;                // in the archive
    std::uint64_t data_ = 0;              // of the member, not read yet
    std::uint64_t padding_ = 0;           // behind them
};

}  // namespace app
