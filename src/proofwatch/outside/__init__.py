"""Who keeps checkpoints outside: only a head kept elsewhere reveals a rewritten log. One file per kind."""
