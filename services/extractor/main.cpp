#include "services/extractor/app/extractor_app.h"

int main(int argc, char** argv) {
  return penstock::extractor::RunExtractor(argc, argv);
}
