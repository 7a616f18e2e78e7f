// tar_images.hpp: skips members that are not inputs of this run, and reads the others.
#include "input/tar_images.hpp"

#include <cvt/extra/decode.hpp>

namespace app {

tar_images::tar_images(std::string path, media kind, selection& wanted, read_control& control)
    : path_{std::move(path)}, kind_{kind}, wanted_{wanted}, reader_{tar_reader::open(path_, control)} {}

std::optional<input> tar_images::end(const cvt::error& error) {
    ended_ = true;
    input last{path_, {}, error};
    return error && wanted_.keeps(last) ? std::optional{std::move(last)} : std::nullopt;
}

std::optional<input> tar_images::next() {
    if (ended_) return std::nullopt;
    if (!reader_) return end(reader_.error());
    for (;;) {
        const cvt::result<std::optional<tar_member>> found = reader_->next();
        if (!found) return end(found.error());
        if (!*found)
            return end(images_ > 0 ? cvt::error{}
                                   : cvt::error::format(cvt::errc::io, "expected %s in this archive, found none", examples_of(kind_)));
        const tar_member& member = **found;
        if (member.type == tar_member::kind::folder || is_litter_member(member.name) || !has_name_of(kind_, member.name)) continue;
        ++images_;
        // WebDataset's key: the path up to the first dot of the file name.
        const std::size_t file_name = member.name.rfind('/') + 1, dot = member.name.find('.', file_name);
        input image{path_ + '/' + member.name, {input_id::kind::text, member.name.substr(0, dot)}, {}};
        if (!wanted_.keeps(image)) continue;
        constexpr std::uint64_t max_bytes = cvt::decode_limits{}.max_bytes;
        if (member.type != tar_member::kind::file)
            image.error = cvt::error::format(cvt::errc::unsupported, "a %s in a tar archive; pack the file itself",
                                             member.type == tar_member::kind::link ? "link" : "special file");
        else if (member.size > max_bytes)
            image.error =
                cvt::error::format(kind_ == media::pictures ? cvt::errc::bad_image : cvt::errc::bad_sound,
                                   "%s file has %llu bytes, more than the limit of %llu", kind_ == media::pictures ? "image" : "sound",
                                   static_cast<unsigned long long>(member.size), static_cast<unsigned long long>(max_bytes));
        if (image.error) return image;
        cvt::result<std::vector<std::byte>> data = reader_->read();
        if (!data) return end(data.error());  // the archive's error, not the image's: another run may read it whole
        image.data = *std::move(data);
        return image;
    }
}

}  // namespace app
