# Golden values from R's survey package: ratios of two arms that are strata of a cluster sample.
#
#     apt-get install r-cran-survey r-cran-jsonlite     (or install.packages)
#     Rscript make_survey.R       # reads statsmodels.json beside it, writes survey.json
#
# The rows are those of statsmodels.json whose clusters are nested in the arms. Each arm's share is
# a ratio of totals of its stratum (svyratio); the log of their ratio and the log odds ratio are
# nonlinear contrasts of them (svycontrast).
suppressMessages({library(survey); library(jsonlite)})
golden <- fromJSON("statsmodels.json", simplifyVector = FALSE)
cases <- list()
for (case in golden$cases) {
  if (case$crossed) next
  d <- data.frame(
    cluster = sapply(case$rows, function(r) r[[1]]), arm = sapply(case$rows, function(r) r[[2]]),
    topic = sapply(case$rows, function(r) r[[3]]), weight = sapply(case$rows, function(r) r[[4]]))
  d$w <- if (case$weighted) d$weight else 1
  d$xa <- d$w * d$topic * (d$arm == "a"); d$na <- d$w * (d$arm == "a")
  d$xb <- d$w * d$topic * (d$arm == "b"); d$nb <- d$w * (d$arm == "b")
  design <- svydesign(ids = ~cluster, strata = ~arm, weights = ~1, data = d)
  totals <- svytotal(~xa + na + xb + nb, design)
  contrast <- function(expression) {
    result <- svycontrast(totals, expression)
    list(estimate = as.numeric(coef(result)), standard_error = as.numeric(SE(result)))
  }
  cases[[length(cases) + 1]] <- list(
    weighted = case$weighted,
    log_ratio = contrast(quote(log((xa / na) / (xb / nb)))),
    log_odds_ratio = contrast(quote(log((xa / (na - xa)) / (xb / (nb - xb))))),
    difference = contrast(quote(xa / na - xb / nb)),
    log_odds_of_share = contrast(quote(log(xa / (na - xa)))))
}
out <- list(source = paste("R survey", packageVersion("survey")), cases = cases)
write(toJSON(out, auto_unbox = TRUE, digits = I(17)), "survey.json")
