"""The paper exchange: a pure core (market, matching, account, truth) and the shell around it."""
