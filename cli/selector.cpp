#include "cli/selector.h"

namespace penstock::cli {

CLI::Option* AddSelector(CLI::App* verb, std::vector<std::string>& labels,
                         const std::string& help) {
  return verb->add_option("-l,--selector", labels, help)
      ->type_name("label=value")
      ->check([](const std::string& label) {
        const size_t equals = label.find('=');
        const bool right = equals != std::string::npos && equals > 0;
        return right ? std::string() : "\"" + label + "\" is not of the form label=value";
      });
}

Labels LabelsOf(const std::vector<std::string>& labels) {
  Labels out;
  for (const std::string& label : labels) {
    const size_t equals = label.find('=');
    out[label.substr(0, equals)] = label.substr(equals + 1);
  }
  return out;
}

}  // namespace penstock::cli
