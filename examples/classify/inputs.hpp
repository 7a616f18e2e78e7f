// The images to classify, in order: files, the pictures of directories or tar archives, lines of standard input.
#pragma once

#include <cstddef>
#include <cvt/error.hpp>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lines.hpp"
#include "manifest.hpp"
#include "tar.hpp"

namespace app {

struct input {
    std::string path;    ///< of a member of an archive: archive/name
    input_id id;         ///< what standard input said, or WebDataset's key
    cvt::error problem;  ///< set when the path stands for no image at all, such as a directory without any
    std::optional<std::vector<std::byte>> data = std::nullopt;  ///< of a member
};

/// Whether a name ends as those of JPEG and PNG files do.
bool has_name_of_image(const std::string& path);

/// Which inputs are this run's.
struct input_filter {
    /// Whether a path can be; asked of the names of a folder in any order, so that only those are kept in mind.
    std::function<bool(const std::string&)> may_want = [](const std::string&) { return true; };
    /// Asked once for every other input and for those names, in the order of their records.
    std::function<bool(const input&)> wants = [](const input&) { return true; };
};

/// Paths that wait for their turn, packed: a folder of any size must hardly show in the program's memory.
class path_queue {
public:
    /// A file, or the images (or archives) of a directory, listed here and now; how many inputs that makes. Archives pass
    /// the filter: it is about what they hold.
    std::size_t add(const std::string& path, bool archives, const input_filter& wanted);
    std::optional<input> take();
    [[nodiscard]] bool empty() const { return groups_.empty(); }

private:
    /// Names of one directory, or whole paths.
    struct group {
        std::string directory;            ///< "" for whole paths
        std::string names;                ///< each with a NUL behind it
        std::vector<std::size_t> starts;  ///< of the names, in their order
        std::size_t taken = 0;
        std::optional<cvt::error> problem = std::nullopt;  ///< of the only path

        void add(std::string_view name);
        void sort();
    };
    static group list(const std::string& directory, bool archives, const input_filter& wanted);

    std::deque<group> groups_;
};

/// The images of one archive.
class tar_images {
public:
    tar_images(std::string path, const input_filter& wanted, const pastime& meanwhile);
    /// Null at the end. What cannot be read any further is an input of the archive's own path, with a problem.
    std::optional<input> next();

private:
    std::optional<input> end(const cvt::error& problem);

    std::string path_;
    const input_filter& wanted_;
    cvt::result<tar_reader> reader_;
    std::size_t images_ = 0;
    bool ended_ = false;
};

class input_list {
public:
    /// Directories among `arguments` are listed here and now; "-" is read line by line as the images are wanted. `tar`: what
    /// is named are archives. `meanwhile` is called while next() waits for who writes to standard input, or to an archive that is a pipe.
    explicit input_list(const std::vector<std::string>& arguments, bool tar = false, input_filter wanted = {},
                        pastime meanwhile = no_pastime);
    input_list(const input_list&) = delete;
    input_list(input_list&&) = default;  // before the first next() only

    /// Null at the end. After an interrupt, and when the waiting is over, what comes is null or of no account. Throws failure when
    /// standard input cannot be read.
    std::optional<input> next();
    /// Null while standard input may bring more, and for archives.
    [[nodiscard]] std::optional<std::size_t> total() const { return open_ended_ || tar_ ? std::nullopt : std::optional{total_}; }

private:
    std::optional<input> next_path();
    std::optional<input> from_line(const line& read);

    bool tar_;
    input_filter wanted_;
    pastime meanwhile_;
    path_queue before_, after_;  // standard input; its lines go through before_
    line_reader lines_;
    std::optional<tar_images> archive_;
    std::size_t total_ = 0;
    bool open_ended_ = false;
};

}  // namespace app
